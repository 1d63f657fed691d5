complete -c ckpt-check -l files-from -d 'Read names of images from a file, one a line or ended by NUL; - is standard input' -r -F
complete -c ckpt-check -l skip-done -d 'Go on where an earlier run stopped: pass over images that FILE, its NDJSON, has verdicts of; with -o the same file is written on' -r -F
complete -c ckpt-check -l sysroot -d 'Directory with the files that the images name, as they were on the machine they come from' -r -F
complete -c ckpt-check -s j -l jobs -d 'Threads: as many images at once, or one image\'s code in as many parts [default: the cores]' -r
complete -c ckpt-check -l limit -d 'Change what is accepted before an image counts as hostile: record-len=1048576, payload-len=4294967295, depth=512, records=4294967296, objects=2097152, tasks=1048576, vmas=4194304, page-runs=16777216, descriptors=1048576, resync=16777216, findings=1000, expansion=4096' -r
complete -c ckpt-check -s t -l target -d 'Target by name (v7-neon, cortex-a9, pxa270+nwfpe), or host; may be repeated' -r
complete -c ckpt-check -l target-file -d 'Target described by a TOML file; may be repeated' -r -F
complete -c ckpt-check -l target-cpuinfo -d 'Target described by its /proc/cpuinfo' -r -F
complete -c ckpt-check -l target-config -d 'Kernel configuration of that target, plain or gzip' -r -F
complete -c ckpt-check -l target-auxv -d 'Auxiliary vector of a 32-bit process on that target (/proc/self/auxv)' -r -F
complete -c ckpt-check -l policy -d 'Site policy: severities by rule, targets that must be met' -r -F
complete -c ckpt-check -l format -d 'Form of the report: text, json, ndjson (a line for each image), sarif, junit, markdown' -r -f -a "text\t'A table for people'
json\t'One JSON document'
ndjson\t'One JSON document a line for each image'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML, for CI'
markdown\t'Markdown'"
complete -c ckpt-check -s o -l output -d 'Write the report to a file instead of standard output' -r -F
complete -c ckpt-check -l baseline -d 'Write the greatest target that all these target files restore' -r -F
complete -c ckpt-check -l color -d 'When to colour: auto is on a terminal, unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c ckpt-check -l explain -d 'Say what a code in a message means and what to do, for instance P003; all lists every code' -r
complete -c ckpt-check -l completions -d 'Print what makes a shell complete the options: bash, elvish, fish, powershell, zsh' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c ckpt-check -l all-targets -d 'Every part of the catalogue, as a matrix'
complete -c ckpt-check -l nearest -d 'Name the least target that restores each image'
complete -c ckpt-check -l strict -d 'Conditional and unknown count as refusals, too'
complete -c ckpt-check -l annotations -d 'Write the report as OCI annotations (JSON object of strings), for an orchestrator'
complete -c ckpt-check -s v -l verbose -d 'Show every rule, not only those that matter'
complete -c ckpt-check -s q -l quiet -d 'One line for each image and target'
complete -c ckpt-check -l list-rules -d 'List all rules'
complete -c ckpt-check -l list-targets -d 'List all targets: the grammar and the catalogue'
complete -c ckpt-check -l fingerprint -d 'Write what a machine offers as a target file: the host, or the one of --target or --target-cpuinfo'
complete -c ckpt-check -l man -d 'Print the manual page (to read it: --man | man -l -)'
complete -c ckpt-check -s h -l help -d 'Print help'
complete -c ckpt-check -s V -l version -d 'Print version'
