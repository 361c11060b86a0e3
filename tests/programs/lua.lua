-- A workload for Lua: tables, strings, closures, coroutines, and frequent garbage collection.
collectgarbage("generational")

local state = 1
local function number(limit)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % limit
end

local function tree(depth)
    if depth == 0 then return { value = number(1000) } end
    return { left = tree(depth - 1), right = tree(depth - 1), value = number(1000) }
end
local function sum(node)
    if not node then return 0 end
    return node.value + sum(node.left) + sum(node.right)
end
for _ = 1, 8 do print("tree", sum(tree(13))) end

local words = {}
for i = 1, 100000 do
    local word = string.format("%x-%d", number(30000), i % 100)
    words[word] = (words[word] or 0) + 1
end
local keys = {}
for word in pairs(words) do keys[#keys + 1] = word end
table.sort(keys)
local all = table.concat(keys, " ")
print("words", #keys, #all, select(2, all:gsub("(%x+)-7 ", "%1")))

local text = ""
for i = 1, 3000 do text = text .. number(10) end
print("text", #text, text:sub(1, 40))

local threads, total = {}, 0
for i = 1, 2000 do
    threads[i] = coroutine.wrap(function()
        for j = 1, 5 do coroutine.yield(string.rep(tostring(i), j)) end
    end)
end
for _ = 1, 5 do
    for i = 1, #threads do total = total + #threads[i]() end
end
print("coroutines", total)
