"""Differences in the networks, their input and their training."""

from __future__ import annotations

from residua.report.deviation import (
    Deviation,
    always,
    chooses,
    starts_at_random,
    starts_from_a_bundle,
    takes_labels,
    trains,
    unlike,
    where,
)

_MIRRORING = "lists no mirroring and no low resolution"

OF_NNUNET = (
    Deviation(
        "Software of nnU-Net",
        "nnU-Net 1.7.0, PyTorch 1.13.1",
        "nnunetv2, with an explicit plans file of the article's numbers, and the current PyTorch",
        "the maintained successor",
        "unlikely: network, loss, schedule and augmentation are the same",
        trains("nnunet"),
    ),
    Deviation(
        "Axes of nnU-Net's patch",
        "192×128×80, axes not given",
        "192 voxels front to back, 128 left to right, 80 foot to head, unless set otherwise",
        "nnU-Net's own planner lays it so for a brain; docs/explanation/nnunet_plan.md",
        "unlikely: in every reading a patch holds as much of the brain",
        trains("nnunet"),
    ),
    Deviation(
        "Levels of nnU-Net",
        "five levels; filters 32, 64, 128, 256 and 320",
        "five levels with these filters, unless set otherwise",
        "taken literally; nnU-Net's planner makes six levels for this patch, the last two with 320 filters, which the "
        "five numbers may also describe; docs/explanation/nnunet_plan.md",
        "unlikely: a sixth level adds context that the patch has in part",
        trains("nnunet"),
    ),
    Deviation(
        "Augmentation of nnU-Net",
        _MIRRORING,
        "nnU-Net's default, which has both",
        "the article used nnU-Net's own augmentation",
        "unlikely: its list is most likely not complete",
        where("networks.nnunet.augmentation", "nnunet", "nnunet"),
    ),
    Deviation(
        "Augmentation of nnU-Net",
        _MIRRORING,
        "nnU-Net's default without mirroring; low resolution stays",
        "the study asks for it",
        "unlikely: mirroring adds variety to the training, and no information",
        where("networks.nnunet.augmentation", "nnunet_without_mirroring", "nnunet"),
    ),
    Deviation(
        "Augmentation of a label among nnU-Net's channels",
        "not given; nnU-Net by itself varies it like an image",
        "it moves with the reference standard, stays 0 or 1 and is 0 outside the brain",
        "as AGU-Net gets it here, and as nnU-Net itself varies the segmentation of a cascade",
        "possibly: it may decide whether the pre-operative tumour helps nnU-Net (inputs D and E)",
        takes_labels("nnunet"),
    ),
    Deviation(
        "Plan of nnU-Net",
        "spacing 0.5×0.5×1 mm, patch 192×128×80, batch 2, five levels",
        "those of another plan, as the methods say: of nnU-Net's own planner for the patients of the folds, or a file",
        "the study asks for it",
        "yes: it is another network; residual encoders and larger patches often segment better",
        chooses("nnunet", "plans", "article"),
    ),
    Deviation(
        "Start of nnU-Net",
        "random weights",
        "the weights of another nnU-Net, except for the segmentation layers",
        "the study asks for it",
        "yes: it may segment better, and whether the weights come from a training on patients of a validation fold or "
        "of the hold-out cannot be told; if so, these rows are optimistic",
        chooses("nnunet", "initial_weights", None),
    ),
    Deviation(
        "Random numbers of nnU-Net",
        "not given",
        "seeded; bit-identical and resumable with one thread only",
        "with more threads, nnU-Net's loader processes draw random numbers of their own",
        "no, beyond the chance of any training",
        trains("nnunet"),
    ),
)

OF_AGUNET = (
    Deviation(
        "Software of AGU-Net",
        "TensorFlow 1.13.1",
        "Keras 3 on TensorFlow 2, the architecture built anew from the article and its authors' public code",
        "the old version needs Python 3.6, which is no longer maintained",
        "unlikely: layers and sizes are those of the public code",
        trains("agunet"),
    ),
    Deviation(
        "Start of AGU-Net",
        "weights of the best pre-operative model, the input layer adapted",
        "random weights",
        "weights of a pre-operative model are public (as ONNX, Raidionics-models), and are neither shipped nor fetched "
        "here; init: preoperative trains one on the study's own cohort, and initial_weights takes a file with weights",
        "yes: AGU-Net may segment worse here than in the article, most of all on a small cohort",
        starts_at_random("agunet"),
    ),
    Deviation(
        "Start of AGU-Net",
        "weights of the best pre-operative model, the input layer adapted",
        "those of a pre-operative model of the study's own cohort: one for each fold, of the scans and tumours before "
        "surgery of its training patients; the four convolutions that read the channels are made anew",
        "the weights of the article's pre-operative model are public (as ONNX, Raidionics-models), and are neither "
        "shipped nor fetched here; init: file takes them",
        "possibly: the article's model had seen more patients; nothing leaks, because neither the hold-out nor a "
        "fold's validation patients are in a start of that fold",
        chooses("agunet", "init", "none", "file"),
    ),
    Deviation(
        "Crop of AGU-Net's input",
        "cropped and resized to 128×128×144 voxels; the crop is not given",
        "cropped to the box of the brain mask, then resized, so that the axes are stretched differently in each "
        "patient",
        "the whole brain is in every input, at the highest resolution that the shape allows",
        "unlikely: the boxes of brains are alike in shape",
        trains("agunet"),
    ),
    Deviation(
        "Normalisation of a label among AGU-Net's channels",
        "all inputs are zero-mean normalised",
        "a label stays 0 or 1",
        "as in the authors' public code",
        "unlikely: the first convolution can scale a channel",
        takes_labels("agunet"),
    ),
    Deviation(
        "Augmentation of AGU-Net",
        "horizontal and vertical flips, rotation and translation; axes and border not given",
        "flips along x and y, rotation about z alone, translation along all axes; beyond the box of the brain its "
        "border is repeated",
        "horizontal and vertical are of an axial slice, and so is one angle",
        "unlikely: little tumour lies at the border of the box, where a repeated border may enlarge it",
        trains("agunet"),
    ),
    Deviation(
        "End of AGU-Net's training",
        "30 epochs without a better validation loss; the validation fold is then reported",
        "a share of the training patients ends the training",
        "the study asks for it: validation rows are then not optimistic",
        "possibly: validation rows are lower than the article's way gives them",
        unlike("networks.agunet.stopping_fraction", 0, "agunet"),
    ),
    Deviation(
        "Weights kept of AGU-Net's training",
        "not given",
        "those of the epoch with the lowest loss of the full-resolution output",
        "it is the loss that ends the training",
        "unlikely: on the validation rows it adds to the optimism of early stopping",
        trains("agunet"),
    ),
    Deviation(
        "Accumulated gradients at the end of an epoch",
        "not given",
        "an accumulation that an epoch leaves unfinished goes on in the next",
        "no batch is lost; a resumed training goes on with it",
        "no",
        trains("agunet"),
    ),
    Deviation(
        "Precision of AGU-Net's training",
        "not given; TensorFlow's default is 32 bits",
        "layers compute in 16 bits; weights, loss and prediction keep 32",
        "a step takes less time and memory on a card; the study asks for it",
        "unlikely: trainings in 16 bits are usual, and nnU-Net's are such",
        chooses("agunet", "precision", "float32"),
    ),
    Deviation(
        "Random numbers of AGU-Net",
        "not given",
        "seeded; the same bits only with the same number of threads on the same kind of processor",
        "sums are taken in another order, and a training makes such differences grow; on a GPU, TensorFlow's "
        "deterministic operations are not switched on",
        "no, beyond the chance of any training: the Dice of a small study may move by some points",
        trains("agunet"),
    ),
)

OF_PROBABILITIES = (
    Deviation(
        "Start from a bundle",
        "nnU-Net from random weights; AGU-Net from those of a pre-operative model",
        "some trainings start from the models of a bundle, with a smaller learning rate, as the methods say",
        "models of another study for the same task learn from fewer patients; the study asks for it",
        "yes: a bundle names no patient, so whether its models knew those of a validation fold or of the hold-out "
        "cannot be told; if they did, these rows are optimistic",
        starts_from_a_bundle,
    ),
    Deviation(
        "Missing channels",
        "each network needs all of its channels",
        "some networks were trained to do without channels, which are then zero",
        "one network for every patient; the study asks for it",
        "unlikely: only these networks differ, and the methods name their input configurations",
        unlike("channel_dropout", {}),
    ),
    Deviation(
        "Storage of probabilities",
        "not given",
        "in steps of 1/16384",
        "a fraction of the disk; candidates of the threshold are multiples of 0.005",
        "no",
        always,
    ),
)
