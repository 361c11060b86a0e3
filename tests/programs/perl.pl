# A workload for Perl: hashes, strings, regular expressions, sorting, closures and deep structures.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my %words;
my $state = 1;
sub number { return $state = ($state * 1103515245 + 12345) % 2147483648; }

for my $i (1 .. 60000) {
    my $word = join '', map { chr(97 + number() / 65536 % 26) } 1 .. 2 + $i % 7;
    push @{$words{$word}}, $i;
}
my $longest = join ' ', sort keys %words;
print scalar(keys %words), ' ', sha256_hex($longest), "\n";

my $count = () = $longest =~ /\b(\w)\w*\1\b/g;
(my $changed = $longest) =~ s/(\w+) (\w+)/$2-$1/g;
print "$count ", sha256_hex($changed), "\n";

my $tree;
for my $word (sort keys %words) {
    my $node = \$tree;
    $node = \$$node->{$_} for split //, $word;
}
sub depth { my ($t) = @_; my $d = 0; for (values %{$t // {}}) { my $n = depth($_); $d = $n if $n > $d } return $d + 1; }
print depth($tree), "\n";

my $buffer = '';
$buffer .= sprintf '%08x', number() for 1 .. 100000;
print length($buffer), ' ', sha256_hex($buffer), "\n";
my @makers = map { my $n = $_; sub { return $n * $_[0] } } 1 .. 20000;
my $sum = 0;
$sum += $_->(3) for @makers;
print "$sum\n";
