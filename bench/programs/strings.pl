# Hashes and lists of strings, as in log processing; the argument is the number of repetitions.
use strict;
use warnings;

sub work {
    my (%count, %lines);
    for my $i (1 .. 20000) {
        my $line = sprintf "2024-01-%02d host%d GET /page/%d?user=%d %d", $i % 28 + 1, $i * 31 % 50,
            $i * 7919 % 3000, $i * 17 % 900, 200 + $i % 5;
        my ($day, $host, $method, $address, $status) = split / /, $line;
        $count{$address}{$status}++;
        push @{ $lines{$host} }, $line if $address =~ m{/page/(\d+)\?} && $1 % 3;
    }
    my @ranked = sort { keys %{ $count{$b} } <=> keys %{ $count{$a} } || $a cmp $b } keys %count;
    my $text = join "\n", map { uc } map { @{ $lines{$_} } } sort keys %lines;
    return scalar(@ranked) . ' ' . length($text);
}

my %results = map { work() => 1 } 1 .. shift;
die "results differ\n" if keys %results != 1;
