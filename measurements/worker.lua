-- One LuaJIT process, one framework: hosts Python, whose worker measures what is written in Lua.
--
-- Started by the generator as `luajit worker.lua LIBRARY PYTHON ARGUMENTS...`, with the library and
-- the program of a Python, which then runs in this very process as `PYTHON ARGUMENTS...` would in
-- one of its own. So gate, timer and memory are those of every other framework. Python finds the
-- address of one function of C in the variable MEASUREMENT_LUA: it takes a line of Lua and answers
-- with a text, see measurements/lua.py.

local ffi = require 'ffi'

ffi.cdef [[
int Py_BytesMain(int argc, char **argv);
int setenv(const char *name, const char *value, int overwrite);
]]

local kept, count, loaded, reply = {}, 0, {}, nil

-- What the lines of Python may say beside Lua's own names.
local names = setmetatable({
  kept = kept, -- by number, what was answered and is neither number nor text
  script = function(path)
    loaded[path] = loaded[path] or dofile(path)
    return loaded[path]
  end,
  array = function(kind, address, bytes, ...)
    return {data = ffi.cast(kind .. ' *', address), bytes = bytes, shape = {...}}
  end,
}, {__index = _G})

local function evaluate(line)
  return setfenv(assert(loadstring(line)), names)()
end

local answer = ffi.cast('const char *(*)(const char *)', function(line)
  local done, value = xpcall(function() return evaluate(ffi.string(line)) end, debug.traceback)
  if not done then
    reply = 'error ' .. tostring(value)
  elseif value == nil then
    reply = 'nothing'
  elseif type(value) == 'number' then
    reply = string.format('number %.17g', value)
  elseif type(value) == 'string' then
    reply = 'text ' .. value
  else
    count = count + 1
    kept[count] = value
    reply = 'kept ' .. count
  end
  return reply -- Python copies it before the next call
end)

local function host(library, ...)
  local python, words = ffi.load(library, true), {...} -- global: extension modules look for it
  local address = tostring(ffi.cast('uintptr_t', answer)):match('%d+')
  ffi.C.setenv('MEASUREMENT_LUA', address, 1)
  local given = ffi.new('char *[?]', #words + 1)
  for place, word in ipairs(words) do
    given[place - 1] = ffi.cast('char *', word)
  end
  return python.Py_BytesMain(#words, given)
end
jit.off(host) -- compiled code must not call what calls back

os.exit(host(...))
