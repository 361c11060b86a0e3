# Fish completion for mallow(1).

set -l without_subcommand 'not __fish_seen_subcommand_from run trim stats info leaks mtrace symbolize help'
set -l in_run '__fish_seen_subcommand_from run'
set -l in_mtrace '__fish_seen_subcommand_from mtrace'
set -l in_symbolize '__fish_seen_subcommand_from symbolize'
set -l in_process '__fish_seen_subcommand_from trim stats info leaks'

complete -c mallow -f
complete -c mallow -n $without_subcommand -a run -d 'Run a program under Mallow'
complete -c mallow -n $without_subcommand -a trim -d 'Return the free memory of a process to the kernel'
complete -c mallow -n $without_subcommand -a stats -d 'Print how a process uses its memory'
complete -c mallow -n $without_subcommand -a info -d 'Print the output of malloc_info(3) in a process'
complete -c mallow -n $without_subcommand -a leaks -d 'Find the memory that a process has leaked'
complete -c mallow -n $without_subcommand -a mtrace -d 'Evaluate a log of mtrace(3)'
complete -c mallow -n $without_subcommand -a symbolize -d 'Add functions and lines to the frames in a report'
complete -c mallow -n $without_subcommand -a help -d 'Print the help of a subcommand'
complete -c mallow -n '__fish_seen_subcommand_from help' -a 'run trim stats info leaks mtrace symbolize'
complete -c mallow -n $without_subcommand -l help -d 'Print the help'
complete -c mallow -n $without_subcommand -l version -d 'Print the version'

complete -c mallow -n $in_run -l check -d 'Find memory errors'
complete -c mallow -n $in_run -l guard -d 'Find accesses to freed blocks or beyond their ends'
complete -c mallow -n $in_run -l exec -d 'Become the program, for service managers'
complete -c mallow -n $in_run -l no-summary -d 'Count no calls and print no summary'
complete -c mallow -n $in_run -l json -d 'Print the summary as JSON'
complete -c mallow -n $in_run -l log -r -F -d 'Append the summary and messages to a file'
complete -c mallow -n $in_run -l no-control -d 'Start no thread for trim, stats, info and leaks'
complete -c mallow -n $in_run -l help -d 'Print the help'
complete -c mallow -n $in_run -l version -d 'Print the version'
complete -c mallow -n $in_run -a '(__fish_complete_subcommand --fcs-skip=2)'

complete -c mallow -n '__fish_seen_subcommand_from trim' -l pad -x -d 'Keep that many bytes of free pages'
complete -c mallow -n '__fish_seen_subcommand_from leaks' -l reachable -d 'List blocks that are still reachable, too'
complete -c mallow -n '__fish_seen_subcommand_from leaks' -l possible -d 'Exit with status 1 for possibly lost blocks, too'
complete -c mallow -n '__fish_seen_subcommand_from leaks' -l suppressions -r -F -d 'Leave out groups that match a pattern of a file'
complete -c mallow -n '__fish_seen_subcommand_from leaks' -l limit -x -d 'List at most that many groups of each kind'
complete -c mallow -n $in_process -l json -d 'Print the figures as JSON'
complete -c mallow -n $in_process -l help -d 'Print the help'
complete -c mallow -n $in_process -l version -d 'Print the version'
complete -c mallow -n $in_process -a '(__fish_complete_pids)'

complete -c mallow -n $in_mtrace -F
complete -c mallow -n $in_mtrace -l json -d 'Print the result as JSON'
complete -c mallow -n $in_mtrace -l help -d 'Print the help'
complete -c mallow -n $in_mtrace -l version -d 'Print the version'

complete -c mallow -n $in_symbolize -l help -d 'Print the help'
complete -c mallow -n $in_symbolize -l version -d 'Print the version'
