-- Tables, strings and closures; the argument is the number of repetitions.
local function work()
    local index, shapes = {}, {}
    for i = 1, 20000 do
        local x, y = i * 7919 % 1000, i * 104729 % 1000
        local shape = {name = "shape " .. i, corner = {x = x, y = y}, tags = {"a" .. x, "b" .. y}}
        shape.area = function(scale) return (x + y) * scale end
        shapes[#shapes + 1] = shape
        for _, tag in ipairs(shape.tags) do
            index[tag] = index[tag] or {}
            table.insert(index[tag], shape)
        end
    end
    table.sort(shapes, function(a, b)
        local left, right = a.area(1), b.area(1)
        return left < right or left == right and a.name < b.name
    end)
    local words = {}
    for i, shape in ipairs(shapes) do words[i] = shape.name:upper():gsub("SHAPE", "figure") end
    return #table.concat(words, ",")
end

local expected = work()
for _ = 2, tonumber(arg[1]) do assert(work() == expected) end
