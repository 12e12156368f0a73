"""What the fault tests share: a tree, a data set, disks that fail, checks."""
