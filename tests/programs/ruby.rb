# A workload for Ruby: objects, strings, threads, garbage collection and heap compaction.
require 'digest'
require 'json'
require 'set'

Node = Struct.new(:left, :right, :value)

def tree(depth, random)
  return nil if depth.zero?

  Node.new(tree(depth - 1, random), tree(depth - 1, random), random.rand(1000))
end

def sum(node)
  node ? node.value + sum(node.left) + sum(node.right) : 0
end

random = Random.new(1)
4.times { puts "tree #{sum(tree(13, random))}" }

words = Set.new(40_000.times.map { random.bytes(6).unpack1('H*') })
puts "words #{words.size} #{Digest::SHA256.hexdigest(words.sort.join)}"

table = 5_000.times.to_h { |i| ["key#{i}", Array.new(i % 30) { random.rand }] }
puts "json #{JSON.parse(JSON.generate(table)) == table}"

results = 4.times.map do |seed|
  Thread.new do
    numbers = Random.new(seed)
    buffer = +''
    20_000.times { buffer << 'x' * numbers.rand(100) }
    buffer.size
  end
end
puts "threads #{results.map(&:value)}"

GC.start
GC.compact
puts "children #{2.times.map { |i| IO.popen('-') { |pipe| pipe ? pipe.read : print('y' * (i + 1) * 1000) }.size }}"
