# LeNet in R, through Gluon's Python interface.
#
# MXNet has an R package of its own, called mxnet. It was never on CRAN, the project's repository of
# built packages no longer answers (https://github.com/apache/mxnet/issues/17627), and building it
# needs MXNet's whole source tree.

mx <- import("mxnet", convert = FALSE)
gluon <- mx$gluon
nn <- gluon$nn
adapter <- import("framework_under_test.adapter", convert = FALSE)

lenet <- function(parameters, settings) {
  net <- nn$HybridSequential()
  net$add(
    nn$Conv2D(20L, kernel_size = 5L, in_channels = 1L, activation = "tanh"),
    nn$MaxPool2D(pool_size = 2L, strides = 2L),
    nn$Conv2D(50L, kernel_size = 5L, in_channels = 20L, activation = "tanh"),
    nn$MaxPool2D(pool_size = 2L, strides = 2L),
    nn$Dense(500L, in_units = 800L, activation = "tanh"),
    nn$Dense(10L, in_units = 500L)
  )
  net$initialize()
  layers <- list(conv1 = 0L, conv2 = 2L, dense1 = 4L, dense2 = 5L)
  weights <- list()
  for (name in names(layers)) {
    layer <- net$`__getitem__`(layers[[name]])
    weights[[paste0(name, "_weight")]] <- layer$weight
    weights[[paste0(name, "_bias")]] <- layer$bias
  }
  # MXNet keeps dense weights as output x input.
  native <- adapter$transposed(do.call(dict, c(parameters, convert = FALSE)))
  for (name in names(weights)) {
    weights[[name]]$set_data(mx$nd$array(native$`__getitem__`(name)))
  }

  loss_function <- gluon$loss$SoftmaxCrossEntropyLoss()
  net$hybridize(static_alloc = TRUE, static_shape = TRUE)
  loss_function$hybridize(static_alloc = TRUE, static_shape = TRUE)
  sgd <- dict(learning_rate = settings$learning_rate, wd = 0)
  trainer <- gluon$Trainer(net$collect_params(), "sgd", sgd)

  step <- function(images, labels) {
    recording <- mx$autograd$record()
    recording$`__enter__`()
    scores <- net$`__call__`(mx$nd$array(images))
    loss <- loss_function$`__call__`(scores, mx$nd$array(labels))
    recording$`__exit__`(NULL, NULL, NULL)
    loss$backward()
    trainer$step(settings$batch) # divides the summed gradient by the batch
    py_to_r(loss$mean()$asscalar()$item())
  }

  list(
    step = step,
    parameters = function() {
      arrays <- lapply(weights, function(weight) weight$data())
      arrays <- do.call(dict, c(arrays, convert = FALSE))
      canonical <- adapter$canonical(arrays, names(layers))
      setNames(lapply(names(weights), function(n) canonical$`__getitem__`(n)), names(weights))
    }
  )
}
