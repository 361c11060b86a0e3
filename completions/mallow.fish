# Fish completion for mallow(1).

set -l without_subcommand 'not __fish_seen_subcommand_from run'
set -l in_run '__fish_seen_subcommand_from run'

complete -c mallow -f
complete -c mallow -n $without_subcommand -a run -d 'Run a program under Mallow'
complete -c mallow -n $without_subcommand -l help -d 'Print the help'
complete -c mallow -n $without_subcommand -l version -d 'Print the version'

complete -c mallow -n $in_run -l json -d 'Print the summary as JSON'
complete -c mallow -n $in_run -l log -r -F -d 'Append summary and messages to a file'
complete -c mallow -n $in_run -l help -d 'Print the help'
complete -c mallow -n $in_run -l version -d 'Print the version'
complete -c mallow -n $in_run -a '(__fish_complete_subcommand --fcs-skip=2)'
