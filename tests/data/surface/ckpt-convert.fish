complete -c ckpt-convert -s o -l output -d 'Where to write; - is standard output. %p stands for the pid where there is a core per process' -r -F
complete -c ckpt-convert -l to -l format -d 'Format to write: r01 to r18, newest, v18, v19, v20, v21, v23, elf-core, criu, json [default: newest; for JSON input the revision that it names]' -r
complete -c ckpt-convert -l memory -d 'Where contents of memory go in JSON: a side file named after the output, the document itself, or nowhere [default: side, on standard output base64]' -r -f -a "side\t'A file beside the document'
base64\t'The document'
none\t'Nowhere'"
complete -c ckpt-convert -l from -d 'Revision to read, where the image does not tell' -r
complete -c ckpt-convert -l allow -d 'Losses to accept, by code; all accepts every one' -r
complete -c ckpt-convert -l report -d 'Write losses and notes to this file as JSON' -r -F
complete -c ckpt-convert -l set -d 'Add what the old image never held: fp-state=FILE or fp-state@PID=FILE (raw VFP register set of 260 or 272 bytes, or an ELF core), personality=NUMBER' -r
complete -c ckpt-convert -l strip -d 'Leave out what is named, several with commas' -r -f -a "memory\t'Contents of pages'
files\t'All descriptors and the controlling terminal; mapped files stay'
sockets\t'Descriptors of sockets'
ipc\t'System V segments, queues and semaphores that nobody maps'
fp\t'Floating-point and coprocessor registers'
signals\t'Signals that wait to be delivered'
foreign\t'What was kept of a CRIU set for the way back'"
complete -c ckpt-convert -l only-task -d 'Keep one process with all its threads, and leave the others out. PID+ keeps its descendants too. What it shares with others stays with it; relations that are cut are named' -r
complete -c ckpt-convert -l relocate-fd -d 'Give a descriptor another number, in every table' -r
complete -c ckpt-convert -l compress -d 'Compress the stream that is written' -r -f -a "zstd\t'Zstandard'"
complete -c ckpt-convert -l limit -d 'Change what is accepted before an image counts as hostile: record-len=1048576, payload-len=4294967295, depth=512, records=4294967296, objects=2097152, tasks=1048576, vmas=4194304, page-runs=16777216, descriptors=1048576, resync=16777216, findings=1000, expansion=4096' -r
complete -c ckpt-convert -l color -d 'When to colour: auto is on a terminal, unless NO_COLOR is set' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c ckpt-convert -l explain -d 'Say what a code in a message means and what to do, for instance P003; all lists every code' -r
complete -c ckpt-convert -l completions -d 'Print what makes a shell complete the options: bash, elvish, fish, powershell, zsh' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c ckpt-convert -l salvage -d 'Write what is intact and name the rest; the exit status is 1 if something was left out'
complete -c ckpt-convert -l redact -d 'Replace page contents, data in flight and texts by zeros and x, keeping every length: for showing an image to strangers. Registers stay, floating-point ones too (--strip fp)'
complete -c ckpt-convert -l dedup -d 'Leave out pages of zeros of anonymous and shared memory, which comes back as zeros without them, and make holes of them in cores. No format can name a page of another process, so pages that processes have in common stay double; incremental CRIU sets become one complete set'
complete -c ckpt-convert -s f -l force -d 'Replace the output if it exists'
complete -c ckpt-convert -s q -l quiet -d 'No progress, no notes, no losses on standard error'
complete -c ckpt-convert -s v -l verbose -d 'Say what is read and written, and show every loss instead of the first of each kind'
complete -c ckpt-convert -l man -d 'Print the manual page (to read it: --man | man -l -)'
complete -c ckpt-convert -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ckpt-convert -s V -l version -d 'Print version'
