# Fish completion for mallow(1). Subcommands and options come from the command's own help.

complete -c mallow -f
complete -c mallow -n __fish_use_subcommand -l help -d 'Print the help'
complete -c mallow -n __fish_use_subcommand -l version -d 'Print the version'

for line in (mallow help 2>/dev/null | string match -r '^  [a-z]+ .*')
    set -l subcommand (string match -r '[a-z]+' -- $line)
    set -l description (string replace -r '^  [a-z]+ +' '' -- $line)
    set -l is_given "__fish_seen_subcommand_from $subcommand"
    complete -c mallow -n __fish_use_subcommand -a $subcommand -d $description
    if test $subcommand = help
        continue
    end
    complete -c mallow -n '__fish_seen_subcommand_from help' -a $subcommand -d $description

    set -l help (mallow $subcommand --help 2>/dev/null)
    for option in (string replace -r '^  -[a-z], ' '  ' -- $help | string match -r '^  --.*')
        set -l name (string replace -r '^  --([a-z-]+).*' '$1' -- $option)
        set -l description (string replace -r '^  \S+ +' '' -- $option)
        set -l value
        switch $option
            case '  --*=FILE' '  --*=FILE *'
                set value -r -F
            case '  --*[=*'
            case '  --*=*'
                set value -x
        end
        complete -c mallow -n $is_given -l $name $value -d $description
    end
    switch $help[1]
        case '*ARGUMENT...*'
            complete -c mallow -n $is_given -a '(__fish_complete_subcommand --fcs-skip=2)'
        case '*PID*FILE*'
            complete -c mallow -n $is_given -F -a '(__fish_complete_pids)'
        case '*PID*'
            complete -c mallow -n $is_given -a '(__fish_complete_pids)'
        case '*LOG*' '*FILE*'
            complete -c mallow -n $is_given -F
    end
end
