# LeNet in R, through PyTensor's Python interface.
#
# PyTensor has no R package of its own. R only writes down the expressions: what they become is one
# compiled program. A convolution is composed of slices and one matrix product, max-pooling of the
# maxima of pairs, as in lenet.py: PyTensor has neither.

pytensor <- import("pytensor", convert = FALSE)
np <- import("numpy", convert = FALSE)
builtins <- import_builtins(convert = FALSE)
pt <- pytensor$tensor

lenet <- function(parameters, settings) {
  weights <- lapply(parameters, function(value) pytensor$shared(value, shape = value$shape))

  slice_of <- function(images, axis, start, stop = NULL, step = NULL) {
    index <- rep(list(builtins$slice(NULL)), axis)
    index[[axis]] <- builtins$slice(start, stop, step)
    images$`__getitem__`(do.call(tuple, index))
  }
  # Every shift of `images` (channels, batch, height, width) by 0 to 4 along an axis.
  shifts <- function(images, axis, size) {
    lapply(0:4, function(shift) slice_of(images, axis, shift, shift + size))
  }
  # Images of size x size + 4 become maps of size x size.
  convolve <- function(images, weight, bias, outputs, size) {
    rows <- pt$stack(shifts(images, 3L, size), axis = 1L)
    patches <- pt$stack(shifts(rows, 5L, size), axis = 2L)
    patches <- patches$reshape(tuple(-1L, settings$batch * size * size))
    sums <- pt$dot(weight$reshape(tuple(outputs, -1L)), patches)
    sums <- sums$reshape(tuple(outputs, settings$batch, size, size))
    pt$tanh(pt$add(sums, bias$dimshuffle(0L, "x", "x", "x")))
  }
  max_pool <- function(images) {
    for (axis in c(4L, 3L)) {
      images <- pt$maximum(slice_of(images, axis, 0L, step = 2L), slice_of(images, axis, 1L, step = 2L))
    }
    images
  }
  dense <- function(rows, weight, bias) pt$add(pt$dot(rows, weight), bias)

  images <- pt$tensor("images", shape = tuple(settings$batch, 1L, 28L, 28L), dtype = "float32")
  labels <- pt$tensor("labels", shape = tuple(settings$batch), dtype = "int64")
  layer <- images$dimshuffle(1L, 0L, 2L, 3L)
  layer <- max_pool(convolve(layer, weights$conv1_weight, weights$conv1_bias, 20L, 24L))
  layer <- max_pool(convolve(layer, weights$conv2_weight, weights$conv2_bias, 50L, 8L))
  layer <- layer$dimshuffle(1L, 0L, 2L, 3L)$flatten(2L)
  layer <- pt$tanh(dense(layer, weights$dense1_weight, weights$dense1_bias))
  scores <- dense(layer, weights$dense2_weight, weights$dense2_bias)
  picked <- tuple(pt$arange(settings$batch), labels)
  log_probabilities <- pt$special$log_softmax(scores, axis = 1L)$`__getitem__`(picked)
  loss <- pt$neg(log_probabilities$mean())

  gradients <- pytensor$grad(loss, unname(weights))
  updates <- lapply(seq_along(weights), function(place) {
    change <- pt$mul(np$float32(settings$learning_rate), gradients$`__getitem__`(place - 1L))
    tuple(weights[[place]], pt$sub(weights[[place]], change))
  })
  train <- pytensor$`function`(list(images, labels), loss, updates = updates)

  list(
    step = function(images, labels) py_to_r(train$`__call__`(images, labels)$item()),
    parameters = function() lapply(weights, function(weight) weight$get_value())
  )
}
