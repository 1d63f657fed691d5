complete -c ckpt-inspect -l record -d 'One record with every field and a hex dump: a number, a type such as VMA, or @OFFSET' -r
complete -c ckpt-inspect -l memory -d 'Memory of a task, for instance 3000:0x8000+256' -r
complete -c ckpt-inspect -l strings -d 'Printable strings in memory, of at least MIN characters' -r
complete -c ckpt-inspect -l find -d 'Where memory, pipes and sockets hold a text, x:00ff12 bytes, u:text in UTF-16, p:ADDRESS a pointer (t:x: is the text x:)' -r
complete -c ckpt-inspect -l diff -d 'Compare with another image, side by side; with --text or without a terminal as text, with --json as JSON' -r -F
complete -c ckpt-inspect -s o -l output -d 'Write to a file instead of standard output' -r -F
complete -c ckpt-inspect -l format -d 'The form of the output: text, json (as --json), ndjson (as --json-lines)' -r -f -a "text\t'For people'
json\t'One document, as --json'
ndjson\t'An item a line, as --json-lines'"
complete -c ckpt-inspect -l background -d 'In the interface: colours for a light or a dark background' -r -f -a "light\t'Dark letters on light'
dark\t'Light letters on dark'"
complete -c ckpt-inspect -l sysroot -d 'Folder with the files of the image\'s machine: symbols for --regs and the interface' -r -F
complete -c ckpt-inspect -l target -d 'The target of --compat, and that the compatibility view shows first' -r
complete -c ckpt-inspect -l task -d 'Only this task (pid)' -r
complete -c ckpt-inspect -l revision -d 'The revision, if it is known better: R01 to R18, v19, v20, v21, v23' -r
complete -c ckpt-inspect -l arch -d 'The architecture, if it is known better: arm, x86_32, x86_64, s390x, ppc32, ppc64' -r
complete -c ckpt-inspect -l limit -d 'Change what is accepted before an image counts as hostile: record-len=1048576, payload-len=4294967295, depth=512, records=4294967296, objects=2097152, tasks=1048576, vmas=4194304, page-runs=16777216, descriptors=1048576, resync=16777216, findings=1000, expansion=4096' -r
complete -c ckpt-inspect -l color -d 'When to colour: auto is on a terminal, unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c ckpt-inspect -l explain -d 'Say what a code in a message means and what to do, for instance P003; all lists every code' -r
complete -c ckpt-inspect -l completions -d 'Print what makes a shell complete the options: bash, elvish, fish, powershell, zsh' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c ckpt-inspect -l tree -d 'The whole image as an outline, a record a line (default without a terminal)'
complete -c ckpt-inspect -l stats -d 'Number and bytes of the records of each type'
complete -c ckpt-inspect -l tasks -d 'Processes and threads'
complete -c ckpt-inspect -l maps -d 'Memory maps'
complete -c ckpt-inspect -l regs -d 'Registers of every thread'
complete -c ckpt-inspect -l files -d 'Descriptors, sockets, pipes, terminals'
complete -c ckpt-inspect -l summary -d 'Where the image comes from, what is in it and what is missing'
complete -c ckpt-inspect -l integrity -l problems -d 'What is wrong: references, counts and completeness'
complete -c ckpt-inspect -l compat -d 'Where it could be restored; with --target every rule for that target and its evidence'
complete -c ckpt-inspect -l json -d 'The view that is asked for, or the whole image, as one JSON document'
complete -c ckpt-inspect -l json-lines -d 'The same as lines of JSON, an item a line; of the whole image every record, in constant memory'
complete -c ckpt-inspect -l print-config-template -d 'Print a configuration file for the interface, with every key and colour'
complete -c ckpt-inspect -l text -d 'Text even on a terminal (what --tree shows unless another view is asked for)'
complete -c ckpt-inspect -l ascii -d 'In the interface: only ASCII characters'
complete -c ckpt-inspect -l no-mouse -d 'In the interface: leave the mouse to the terminal'
complete -c ckpt-inspect -l raw -d 'Raw bytes instead of a hex dump'
complete -c ckpt-inspect -l strict -d 'Stop at the first error instead of going on behind it'
complete -c ckpt-inspect -s q -l quiet -d 'Say nothing about damage, only set the exit status'
complete -c ckpt-inspect -s v -l verbose -d 'Also show notes'
complete -c ckpt-inspect -l man -d 'Print the manual page (to read it: --man | man -l -)'
complete -c ckpt-inspect -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ckpt-inspect -s V -l version -d 'Print version'
