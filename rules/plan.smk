# The plan of a network (networks.{arch}.plans), where the config leaves it to the network's own planner.
#
# Needs:
#   results/brain/{batch}/manifest.json                (brain.smk)
#   results/quality/left_out/folds.json                (quality.smk; on_fault: exclude)
# Gives:
#   results/plans/{arch}/{plan}.json                   nnU-Net's plans, from the patients of the folds
#
# The numbers of a plan stand in the names and parameters of all that follows. So the first run makes the plan and nothing
# that follows, and the second, which is started in the same way, reads it. No rule takes the file: it stays when a patient
# joins, until it is removed. It says from whom it was made: a start refuses one that was made with patients of the hold-out.
rule plan_network:
    """Let a network's own planner choose spacing, patch, batch and layers from the brains of the patients of the folds."""
    input:
        brains=planning.planned_brains(loaded),
        left_out=faults.left_out(loaded, "folds"),
    output:
        "results/plans/{arch}/{plan}.json",
    log:
        "results/logs/plan_network/{arch}_{plan}.log",
    benchmark:
        "results/benchmarks/plan_network/{arch}_{plan}.tsv"
    wildcard_constraints:
        arch=planning.planned_networks(),
        plan=planning.all_plans(),
    conda:
        environment_of
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=60,
    params:
        patients=planning.planned_patients(loaded),
        channels=planning.planned_channels(loaded),
        source=planning.plan_source(loaded),
        code=code_of_network("plan_network", "planner"),
    script:
        "../scripts/plan_network.py"
