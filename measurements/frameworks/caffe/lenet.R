# LeNet in R, through Caffe's Python interface. Caffe has no R package of its own; caffeR, by others
# and not on CRAN, writes descriptions and runs Caffe's command line.

caffe <- import("caffe", convert = FALSE)
messages <- import("caffe.proto.caffe_pb2", convert = FALSE)
numpy <- import("numpy", convert = FALSE)
adapter <- import("framework_under_test.adapter", convert = FALSE)
layers <- caffe$layers

lenet <- function(parameters, settings) {
  input <- function(...) layers$Input(input_param = dict(shape = dict(dim = list(...))))
  pooled <- function(layer) layers$Pooling(layer, kernel_size = 2L, stride = 2L)

  spec <- caffe$NetSpec()
  spec$data <- input(settings$batch, 1L, 28L, 28L)
  spec$label <- input(settings$batch)
  spec$conv1 <- layers$Convolution(spec$data, num_output = 20L, kernel_size = 5L)
  spec$tanh1 <- layers$TanH(spec$conv1, in_place = TRUE)
  spec$pool1 <- pooled(spec$tanh1)
  spec$conv2 <- layers$Convolution(spec$pool1, num_output = 50L, kernel_size = 5L)
  spec$tanh2 <- layers$TanH(spec$conv2, in_place = TRUE)
  spec$pool2 <- pooled(spec$tanh2)
  spec$dense1 <- layers$InnerProduct(spec$pool2, num_output = 500L)
  spec$tanh3 <- layers$TanH(spec$dense1, in_place = TRUE)
  spec$dense2 <- layers$InnerProduct(spec$tanh3, num_output = 10L)
  spec$loss <- layers$SoftmaxWithLoss(spec$dense2, spec$label)

  description <- messages$SolverParameter(
    net_param = spec$to_proto(), base_lr = settings$learning_rate, lr_policy = "fixed",
    momentum = 0, weight_decay = 0
  )
  file <- tempfile(fileext = ".prototxt") # Caffe reads descriptions from files only
  on.exit(unlink(file))
  writeLines(py_str(description), file)
  solver <- caffe$SGDSolver(file)
  net <- solver$net
  adapter$assign(net, do.call(dict, c(parameters, convert = FALSE)))
  blob <- function(name) net$blobs$`__getitem__`(name)$data

  list(
    step = function(images, labels) {
      numpy$copyto(blob("data"), images)
      numpy$copyto(blob("label"), labels)
      solver$step(1L)
      py_to_r(blob("loss")$item())
    },
    parameters = function() {
      canonical <- adapter$canonical(net, list("conv1", "conv2", "dense1", "dense2"))
      setNames(lapply(names(parameters), canonical$`__getitem__`), names(parameters))
    }
  )
}
