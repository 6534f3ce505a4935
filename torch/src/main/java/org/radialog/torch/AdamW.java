package org.radialog.torch;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.radialog.base.RadialogException;

/**
 * Adam with decoupled weight decay (arXiv 1711.05101), with fp32 state. Parameters without a
 * gradient are unchanged.
 */
public final class AdamW implements AutoCloseable {
  /**
   * Where epsilon is added; with an epsilon of 1e-6, as in some recipes, the two variants differ by
   * several percent.
   */
  public enum Flavour {
    /** {@code lr · m̂ / (sqrt(v̂) + eps)}, decay first: PyTorch. */
    TORCH,
    /** {@code lr · m̂ / (sqrt(v) + eps) · sqrt(1 - beta2^t)}, decay last: older transformers. */
    TRANSFORMERS
  }

  /**
   * The constants; the learning rate is given at each step.
   *
   * @param flavour where epsilon is added
   * @param beta1 decay of the mean of the gradients
   * @param beta2 decay of the mean of their squares
   * @param epsilon added to the denominator
   * @param weightDecay per unit of the learning rate
   */
  public record Config(
      Flavour flavour, double beta1, double beta2, double epsilon, double weightDecay) {
    /** PyTorch's flavour, betas 0.9 and 0.999, epsilon 1e-8, no decay. */
    public static final Config TORCH = new Config(Flavour.TORCH, 0.9, 0.999, 1e-8, 0);

    /** The same constants with the weight decay {@code share}. */
    public Config withWeightDecay(double share) {
      return new Config(flavour, beta1, beta2, epsilon, share);
    }
  }

  /**
   * Parameters with their own learning rate.
   *
   * @param parameters by name; the names are the keys of the saved state
   * @param rate a factor on the learning rate of a step
   * @param weightDecay a factor on the weight decay: 0 for norms and biases
   */
  public record Group(SequencedMap<String, Tensor> parameters, double rate, double weightDecay) {}

  private static final String FIRST = "exp_avg.";
  private static final String SECOND = "exp_avg_sq.";

  private record Slot(Tensor parameter, Tensor first, Tensor second, double rate, double decay) {}

  private final Config config;
  private final SequencedMap<String, Slot> slots = new LinkedHashMap<>();
  private long steps;

  /** An optimiser with zero state for all parameters of {@code groups}. */
  public AdamW(Config config, List<Group> groups) {
    this.config = config;
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      for (Group group : groups) {
        group.parameters.forEach((name, parameter) -> {
          Slot slot =
              new Slot(
                  parameter,
                  scope.release(torch.zeros_like(parameter)),
                  scope.release(torch.zeros_like(parameter)),
                  group.rate,
                  group.weightDecay * config.weightDecay);
          if (slots.put(name, slot) != null) {
            throw new RadialogException("parameter " + name + " is in two groups of the optimiser");
          }
        });
      }
    }
  }

  /** An optimiser with the same settings for all {@code parameters}. */
  public AdamW(Config config, SequencedMap<String, Tensor> parameters) {
    this(config, List.of(new Group(parameters, 1, 1)));
  }

  /** Makes one step with the learning rate {@code rate} along the current gradients. */
  public void step(double rate) {
    steps++;
    double correction1 = 1 - Math.pow(config.beta1, (double) steps);
    double correction2 = 1 - Math.pow(config.beta2, (double) steps);
    for (Slot s : slots.values()) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor gradient = s.parameter.grad();
        if (!gradient.defined()) {
          continue;
        }
        double lr = rate * s.rate;
        s.first.lerp_(gradient, new Scalar(1 - config.beta1));
        s.second
            .mul_(new Scalar(config.beta2))
            .addcmul_(gradient, gradient, new Scalar(1 - config.beta2));
        Tensor root = s.second.sqrt();
        switch (config.flavour) {
          case TORCH -> {
            if (s.decay != 0) {
              s.parameter.mul_(new Scalar(1 - lr * s.decay));
            }
            root.div_(new Scalar(Math.sqrt(correction2))).add_(new Scalar(config.epsilon));
            s.parameter.addcdiv_(s.first, root, new Scalar(-lr / correction1));
          }
          case TRANSFORMERS -> {
            root.add_(new Scalar(config.epsilon));
            s.parameter.addcdiv_(
                s.first, root, new Scalar(-lr * Math.sqrt(correction2) / correction1));
            if (s.decay != 0) {
              s.parameter.mul_(new Scalar(1 - lr * s.decay));
            }
          }
        }
      }
    }
  }

  /**
   * Replaces each gradient by its sum over the processes of {@code group}. A parameter that has no
   * gradient in any process keeps none.
   *
   * @throws ProcessGroup.Lost if another process has ended
   */
  public void sumGradients(ProcessGroup group) {
    if (group.size() == 1) {
      return;
    }
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      List<Tensor> parameters = slots.values().stream().map(Slot::parameter).toList();
      Tensor having =
          Torch.tensor(
              parameters.stream().mapToLong(p -> p.grad().defined() ? 1 : 0).toArray(),
              parameters.size());
      group.sum(having);
      long[] processes = Torch.longs(having);
      for (int i = 0; i < processes.length; i++) {
        if (processes[i] > 0) {
          Tensor parameter = parameters.get(i);
          if (!parameter.grad().defined()) {
            parameter.mutable_grad().put(torch.zeros_like(parameter));
          }
          group.sum(parameter.grad());
        }
      }
    }
  }

  /**
   * Copies the optimiser state of process 0 to all processes of {@code group}.
   *
   * @throws ProcessGroup.Lost if another process has ended
   */
  public void takeOver(ProcessGroup group) {
    slots
        .values()
        .forEach(slot -> {
          group.broadcast(slot.first);
          group.broadcast(slot.second);
        });
    steps = group.first(steps)[0];
  }

  /**
   * Multiplies all gradients by {@code factor}.
   *
   * @return whether all of them are finite
   */
  public boolean scaleGradients(double factor) {
    boolean finite = true;
    for (Slot slot : slots.values()) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor gradient = slot.parameter.grad();
        if (gradient.defined()) {
          gradient.mul_(new Scalar(factor));
          finite &= gradient.isfinite().all().item_bool();
        }
      }
    }
    return finite;
  }

  /** Clears all gradients. */
  public void zeroGrad() {
    for (Slot s : slots.values()) {
      try (Scope _ = new Scope()) {
        s.parameter.mutable_grad().reset();
      }
    }
  }

  /**
   * Scales the gradients so that their joint 2-norm is at most {@code max}; returns the norm
   * before.
   */
  public double clipGradNorm(double max) {
    return clipGradNorm(slots.values().stream().map(Slot::parameter).toList(), max);
  }

  /**
   * Scales the gradients of {@code parameters} so that their joint 2-norm is at most {@code max};
   * returns the norm before. Parameters without a gradient count as 0.
   */
  public static double clipGradNorm(Collection<Tensor> parameters, double max) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      List<Tensor> gradients =
          parameters.stream().map(Tensor::grad).filter(Tensor::defined).toList();
      double squares = 0;
      for (Tensor gradient : gradients) {
        double norm = Torch.item(gradient.norm());
        squares += norm * norm;
      }
      double norm = Math.sqrt(squares);
      // PyTorch's clip_grad_norm_ has the same 1e-6 in the denominator.
      double factor = max / (norm + 1e-6);
      if (factor < 1) {
        for (Tensor gradient : gradients) {
          gradient.mul_(new Scalar(factor));
        }
      }
      return norm;
    }
  }

  /** Number of steps made, which determines the bias correction. */
  public long steps() {
    return steps;
  }

  /**
   * The moments, by {@code exp_avg.} or {@code exp_avg_sq.} and the name of the parameter; not
   * copied.
   */
  public SequencedMap<String, Tensor> state() {
    SequencedMap<String, Tensor> state = new LinkedHashMap<>();
    slots.forEach((name, slot) -> state.put(FIRST + name, slot.first));
    slots.forEach((name, slot) -> state.put(SECOND + name, slot.second));
    return state;
  }

  /**
   * Resumes from a saved {@link #state} after {@code stepsDone} steps.
   *
   * @throws RadialogException if {@code saved} lacks a parameter or has it in another shape
   */
  public void load(Parameters.Source saved, long stepsDone) {
    Parameters.load(saved, state());
    steps = stepsDone;
  }

  /** Frees the state, but not the parameters. */
  @Override
  public void close() {
    slots
        .values()
        .forEach(slot -> {
          slot.first.close();
          slot.second.close();
        });
    slots.clear();
  }
}
