#!/bin/sh
# Run the micro study inside the image, and fail unless its report is there: make test-container.
set -eu
if getent hosts deb.debian.org > /dev/null; then echo "there is a network" >&2; exit 1; fi
folder=$(mktemp -d)
residua simulate --like micro --patients 6 --seed 1 --out "$folder/cohort"
cd "$folder"
snakemake --snakefile /opt/residua/Snakefile --workflow-profile /opt/residua/profiles/default \
    --configfile /opt/residua/tests/micro/config.yaml --cores 2 --set-threads train=1
test -s results/report/index.html
residua explain . --verify
