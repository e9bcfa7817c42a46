-- Prints the files behind the modules that it is given: the libraries that loading them maps into
-- memory, and their files of Lua. Started as `luajit found.lua MODULES...`.

local function mapped()
  local paths = {}
  for line in io.lines('/proc/self/maps') do
    local path = line:match('(/.*%.so[%d.]*)$')
    if path then
      paths[path] = true
    end
  end
  return paths
end

local before = mapped()
for _, name in ipairs(arg) do
  require(name)
end
for path in pairs(mapped()) do
  if not before[path] then
    print(path)
  end
end
for _, name in ipairs(arg) do
  print((assert(package.searchpath(name, package.path))))
end
