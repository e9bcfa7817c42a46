# LeNet in R, through TensorFlow's Python interface.
#
# RStudio's R packages tensorflow and keras3 wrap the same interface through reticulate, as is done
# here by hand: they add R names and R types, not another way to TensorFlow.

tf <- import("tensorflow", convert = FALSE)
np <- import("numpy", convert = FALSE)
keras <- tf$keras
adapter <- import("framework_under_test.adapter", convert = FALSE)

lenet <- function(parameters, settings) {
  model <- keras$Sequential(list(
    keras$layers$Input(tuple(28L, 28L, 1L)),
    keras$layers$Conv2D(20L, 5L, activation = "tanh"),
    keras$layers$MaxPooling2D(2L),
    keras$layers$Conv2D(50L, 5L, activation = "tanh"),
    keras$layers$MaxPooling2D(2L),
    keras$layers$Flatten(),
    keras$layers$Dense(500L, activation = "tanh"),
    keras$layers$Dense(10L)
  ))
  # TensorFlow keeps convolutions as HWIO and flattens H, W, C.
  model$set_weights(adapter$to_native(do.call(dict, c(parameters, convert = FALSE))))

  loss_function <- keras$losses$SparseCategoricalCrossentropy(from_logits = TRUE)
  variables <- model$trainable_variables
  optimizer <- keras$optimizers$SGD(settings$learning_rate)
  optimizer$build(variables)

  # tf.function calls this once, with symbolic tensors, and from then on runs the graph of it.
  training_step <- r_to_py(function(images, labels) {
    tape <- tf$GradientTape()
    tape$`__enter__`()
    scores <- model$`__call__`(images, training = TRUE)
    loss <- loss_function$`__call__`(labels, scores)
    tape$`__exit__`(NULL, NULL, NULL)
    optimizer$apply(tape$gradient(loss, variables), variables)
    loss
  }, convert = FALSE)
  train <- tf$`function`(training_step, autograph = FALSE) # it rewrites Python's source, not R's

  step <- function(images, labels) {
    images <- tf$constant(np$transpose(images, c(0L, 2L, 3L, 1L)))
    py_to_r(train$`__call__`(images, tf$constant(labels))$numpy()$item())
  }

  list(
    step = step,
    parameters = function() {
      canonical <- adapter$to_canonical(model$get_weights(), names(parameters))
      sapply(names(parameters), function(name) canonical$`__getitem__`(name), simplify = FALSE)
    }
  )
}
