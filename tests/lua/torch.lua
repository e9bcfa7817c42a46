-- A stand-in for the module of this name: what our scripts call of it, short and slow. For tests.
local ffi = require 'ffi'

local Tensor = {}
Tensor.__index = Tensor
local threads = 0

local function maker(kind)
  return function(shape)
    local count = 1
    for _, size in ipairs(shape) do
      count = count * size
    end
    local made = {shape = shape, count = count, place = ffi.new(kind .. '[?]', count)}
    return setmetatable(made, Tensor)
  end
end

function Tensor:data()
  return self.place
end

function Tensor:contiguous()
  return self
end

function Tensor:add(value)
  for index = 0, self.count - 1 do
    self.place[index] = self.place[index] + value
  end
  return self
end

torch = {
  FloatTensor = maker('float'),
  LongTensor = maker('int64_t'),
  LongStorage = function(sizes) return sizes end,
  setdefaulttensortype = function() end,
  setnumthreads = function(count) threads = count end,
  getnumthreads = function() return threads end,
}

return torch
