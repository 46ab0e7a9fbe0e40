# Required before a program whose output is to come while it runs.
$stdout.sync = true
