-- LeNet with nn's own trainer, after its documentation:
-- https://github.com/torch/nn/blob/master/doc/training.md
require 'torch'
require 'nn'

local BATCH = 10
local highlevel = {}

-- Returns a network trained for five epochs; classes count from one.
function highlevel.train(images, labels)
  torch.manualSeed(2016)
  local net = nn.Sequential()
  net:add(nn.SpatialConvolutionMM(1, 20, 5, 5))
  net:add(nn.Tanh())
  net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
  net:add(nn.SpatialConvolutionMM(20, 50, 5, 5))
  net:add(nn.Tanh())
  net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
  net:add(nn.View(-1):setNumInputDims(3))
  net:add(nn.Linear(50 * 4 * 4, 500))
  net:add(nn.Tanh())
  net:add(nn.Linear(500, 10))

  local batches = {}
  for first = 1, images:size(1) - BATCH + 1, BATCH do
    table.insert(batches, {images:narrow(1, first, BATCH), labels:narrow(1, first, BATCH)})
  end
  function batches:size()
    return #self
  end

  local trainer = nn.StochasticGradient(net, nn.CrossEntropyCriterion())
  trainer.learningRate = 0.05
  trainer.maxIteration = 5
  trainer:train(batches)
  return net
end

-- Without what the last batch has left in its modules.
function highlevel.save(net, path)
  torch.save(path .. '.t7', net:clearState())
  return path .. '.t7'
end

function highlevel.load(path)
  return torch.load(path)
end

-- Returns the class scores, images x 10.
function highlevel.predict(net, images)
  return net:forward(images)
end

return highlevel
