<?php
// A workload for PHP. Debian's PHP loads each extension with RTLD_DEEPBIND, and an extension frees
// blocks that others have allocated.
$text = str_repeat("Lorem ipsum dolor sit amet, consectetur adipiscing elit. ", 200);
for ($i = 0; $i < 300; $i++) {
    $words = preg_split('/\W+/', $text . $i);
    $counts = array_count_values($words);
    ksort($counts);
    $again = json_decode(json_encode($counts), true);
    if ($again != $counts) exit(1);
    if (gzuncompress(gzcompress($text . $i)) !== $text . $i) exit(1);
    if (iconv('ISO-8859-1', 'UTF-8', iconv('UTF-8', 'ISO-8859-1', "caf\u{e9}$i")) !== "caf\u{e9}$i") exit(1);
    if (unserialize(serialize($again)) != $counts) exit(1);
}
$list = new SplPriorityQueue();
foreach (range(1, 5000) as $n) $list->insert("item $n", crc32("$n"));
for ($i = 0; $i < 5; $i++) echo $list->extract(), "\n";
echo hash('sha256', $text), "\n";
echo (new ReflectionClass('ArrayObject'))->getMethod('exchangeArray')->getNumberOfParameters(), "\n";
file_put_contents('file', $text);
$archive = new PharData('archive.tar');
$archive->addFile('file');
unset($archive);
echo strlen(file_get_contents('phar://' . getcwd() . '/archive.tar/file')), "\n";
echo ctype_alpha($words[0]) ? 'letters' : 'others', "\n";
$extensions = get_loaded_extensions();
sort($extensions);
echo implode(' ', $extensions), "\n";
