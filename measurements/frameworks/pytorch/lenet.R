# LeNet in R, through PyTorch's Python interface.
#
# R has a package of its own, torch (https://torch.mlverse.org): not this PyTorch, but the same C++
# library under an interface written anew in R.

torch <- import("torch", convert = FALSE)
nn <- import("torch.nn", convert = FALSE)
adapter <- import("framework_under_test.adapter", convert = FALSE)

# torch.compile writes C++. Inside R, Python takes its virtual environment for the place where it is
# installed, and the compiler looks in vain for Python's headers there.
import("os")$environ$update(dict(CPATH = import("sysconfig")$get_config_var("INCLUDEPY")))

lenet <- function(parameters, settings) {
  net <- nn$Sequential(
    nn$Conv2d(1L, 20L, kernel_size = 5L), nn$Tanh(), nn$MaxPool2d(2L),
    nn$Conv2d(20L, 50L, kernel_size = 5L), nn$Tanh(), nn$MaxPool2d(2L),
    nn$Flatten(), nn$Linear(800L, 500L), nn$Tanh(), nn$Linear(500L, 10L)
  )
  layers <- list(conv1 = 0L, conv2 = 3L, dense1 = 7L, dense2 = 9L)
  weights <- list()
  for (name in names(layers)) {
    layer <- net$`__getitem__`(layers[[name]])
    weights[[paste0(name, "_weight")]] <- layer$weight
    weights[[paste0(name, "_bias")]] <- layer$bias
  }
  # PyTorch keeps dense weights as output x input.
  native <- adapter$transposed(do.call(dict, c(parameters, convert = FALSE)))
  for (name in names(weights)) {
    weights[[name]]$data$copy_(torch$from_numpy(native$`__getitem__`(name)))
  }

  # Compiled without the pass that breaks it on one thread, see compile_fault.py. What is written in
  # R cannot be compiled, so the loss is not.
  network <- torch$compile(net, options = dict(reorder_for_peak_memory = FALSE))
  loss_function <- nn$CrossEntropyLoss()
  optimizer <- torch$optim$SGD(net$parameters(), lr = settings$learning_rate)

  step <- function(images, labels) {
    optimizer$zero_grad()
    scores <- network$`__call__`(torch$from_numpy(images))
    loss <- loss_function$`__call__`(scores, torch$from_numpy(labels))
    loss$backward()
    optimizer$step()
    py_to_r(loss$item())
  }

  list(
    step = step,
    parameters = function() {
      # Copied: the arrays would share the memory that the next step writes to.
      arrays <- lapply(weights, function(weight) weight$detach()$clone()$numpy())
      canonical <- adapter$transposed(do.call(dict, c(arrays, convert = FALSE)))
      setNames(lapply(names(weights), function(n) canonical$`__getitem__`(n)), names(weights))
    }
  )
}
