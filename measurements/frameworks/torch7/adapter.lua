-- Torch behind the contract: what adapter.py calls. Arrays of NumPy's and tensors change hands here.
local ffi = require 'ffi'
require 'torch'
require 'nn'

local here = debug.getinfo(1, 'S').source:match('^@(.*)adapter%.lua$')
local adapter = {}

function adapter.start(threads)
  torch.setdefaulttensortype('torch.FloatTensor')
  torch.setnumthreads(threads)
end

function adapter.threads()
  return torch.getnumthreads()
end

function adapter.interpreter()
  return jit.version
end

local function filled(make, array)
  -- Not make(sizes): a LongTensor would take those for its content.
  local tensor = make():resize(torch.LongStorage(array.shape))
  ffi.copy(tensor:data(), array.data, array.bytes)
  return tensor
end

function adapter.images(array)
  return filled(torch.FloatTensor, array)
end

-- Classes count from one.
function adapter.labels(array)
  return filled(torch.LongTensor, array):add(1)
end

function adapter.write(tensor, array)
  ffi.copy(array.data, tensor:contiguous():data(), array.bytes)
end

function adapter.lenet(mode, deep, batch, rate)
  local lenet = dofile(here .. 'lenet.lua')
  local model = {net = lenet.network(deep), criterion = nn.CrossEntropyCriterion()}
  local take = lenet[mode]
  function model.step(images, labels)
    return take(model.net, model.criterion, images, labels, rate)
  end
  function model.scores(images)
    return lenet.scores(model.net, images, batch)
  end
  return model
end

function adapter.step(model, images, labels)
  return model.step(images, labels)
end

function adapter.logits(model, images, scores)
  adapter.write(model.scores(adapter.images(images)), scores)
end

function adapter.load(model, arrays)
  for place, parameter in ipairs((model.net:parameters())) do
    ffi.copy(parameter:data(), arrays[place].data, arrays[place].bytes)
  end
end

function adapter.read(model, arrays)
  for place, parameter in ipairs((model.net:parameters())) do
    adapter.write(parameter, arrays[place])
  end
end

return adapter
