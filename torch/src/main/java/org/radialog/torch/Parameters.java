package org.radialog.torch;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;

/**
 * The named tensors of a network. A layer requests each tensor by its name in the checkpoint and
 * the shape that it needs; the tensor comes from the source, or is initialised by its {@link Init}.
 * All tensors are fp32 until {@link #to} converts them, and belong to the root, which frees them.
 *
 * <p>Not safe for use by several threads while a network is being built.
 */
public final class Parameters implements AutoCloseable {
  /** A source of values. */
  @FunctionalInterface
  public interface Source {
    /**
     * The row-major values of {@code name}, or empty if it has none.
     *
     * @throws RadialogException if the shape in the source is different
     */
    Optional<float[]> values(String name, long[] shape);

    /** The tensors of an open checkpoint, from any floating or quantised type. */
    static Source of(Checkpoint checkpoint) {
      return (name, shape) -> {
        TensorInfo info = checkpoint.tensors().get(name);
        if (info == null) {
          return Optional.empty();
        }
        if (!Arrays.equals(info.shape(), shape)) {
          throw wrongShape(name, shape, info.shape());
        }
        return Optional.of(checkpoint.floats(name));
      };
    }

    /**
     * The same source for names that begin with {@code prefix}, which the source itself does not
     * have.
     */
    default Source behind(String prefix) {
      return (name, shape) ->
          name.startsWith(prefix)
              ? values(name.substring(prefix.length()), shape)
              : Optional.empty();
    }

    /** The same source for names that have {@code prefix} in the source. */
    default Source at(String prefix) {
      return (name, shape) -> values(prefix + name, shape);
    }

    /** This source, with {@code other} for the names that it lacks. */
    default Source or(Source other) {
      return (name, shape) -> values(name, shape).or(() -> other.values(name, shape));
    }
  }

  /** How a missing name is handled. */
  private sealed interface Absent {
    record Refused() implements Absent {}

    record Fresh(long seed) implements Absent {}

    /** No name has values: tensors have only shapes. */
    record Outline() implements Absent {}
  }

  private record Root(Source source, Absent absent, SequencedMap<String, Tensor> tensors) {}

  private final Root root;
  private final String prefix;

  private Parameters(Root root, String prefix) {
    this.root = root;
    this.prefix = prefix;
  }

  /** Parameters from an open checkpoint, which must have every name; converted to fp32. */
  public static Parameters of(Checkpoint checkpoint) {
    return of(Source.of(checkpoint));
  }

  /** Parameters from {@code source}, which must have every name that a network asks for. */
  public static Parameters of(Source source) {
    return new Parameters(new Root(source, new Absent.Refused(), new LinkedHashMap<>()), "");
  }

  /** Parameters from {@code source}; a name that it lacks is initialised by its {@link Init}. */
  public static Parameters of(Source source, long seed) {
    return new Parameters(new Root(source, new Absent.Fresh(seed), new LinkedHashMap<>()), "");
  }

  /** New parameters. A value depends only on the seed and its name, not on the order of layers. */
  public static Parameters fresh(long seed) {
    return of((name, shape) -> Optional.empty(), seed);
  }

  /**
   * Parameters of any size without values or memory: a network built on them can only give the
   * shapes of the tensors that it needs, with {@link #shapes}.
   */
  public static Parameters outline() {
    return new Parameters(
        new Root((name, shape) -> Optional.empty(), new Absent.Outline(), new LinkedHashMap<>()),
        "");
  }

  /** A view that prepends {@code part} to every name, for example {@code "encoder."}. */
  public Parameters at(String part) {
    return new Parameters(root, prefix + part);
  }

  /**
   * The tensor {@code name}, the same object at every call.
   *
   * @throws RadialogException if the source lacks it or has it in another shape
   */
  public Tensor get(String name, Init init, long... shape) {
    String full = prefix + name;
    Tensor known = root.tensors.get(full);
    if (known != null) {
      if (!Arrays.equals(Torch.shape(known), shape)) {
        throw wrongShape(full, shape, Torch.shape(known));
      }
      return known;
    }
    try (Scope scope = new Scope()) {
      Tensor tensor = scope.release(made(full, init, shape));
      root.tensors.put(full, tensor);
      return tensor;
    }
  }

  private Tensor made(String full, Init init, long[] shape) {
    return switch (root.absent) {
      case Absent.Outline() -> Torch.outline(shape);
      case Absent.Refused() ->
          Torch.tensor(
              root.source.values(full, shape).orElseThrow(() -> missing(full, shape)), shape);
      case Absent.Fresh(long seed) ->
          Torch.tensor(
              root.source
                  .values(full, shape)
                  .orElseGet(() ->
                      init.values(
                          new SplittableRandom(seed * 0x9E3779B97F4A7C15L + hash(full)), shape)),
              shape);
    };
  }

  /** The shapes of the tensors created so far under this view, by full name. */
  public SequencedMap<String, long[]> shapes() {
    SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
    named().forEach((name, tensor) -> shapes.put(name, Torch.shape(tensor)));
    return shapes;
  }

  /** All tensors created so far under this view, by full name, in the order of their requests. */
  public SequencedMap<String, Tensor> named() {
    SequencedMap<String, Tensor> named = new LinkedHashMap<>();
    root.tensors.forEach((name, tensor) -> {
      if (name.startsWith(prefix)) {
        named.put(name, tensor);
      }
    });
    return named;
  }

  /** The tensors of {@link #named} that require a gradient. */
  public SequencedMap<String, Tensor> trainable() {
    SequencedMap<String, Tensor> trainable = named();
    trainable.values().removeIf(t -> !t.requires_grad());
    return trainable;
  }

  /**
   * Sets the tensors under this view whose full name matches to require a gradient, and the others
   * not.
   */
  public void trainable(Predicate<String> which) {
    named().forEach((name, tensor) -> tensor.requires_grad_(which.test(name)));
  }

  /** Converts the tensors under this view whose full name matches, in place. */
  public void to(ScalarType type, Predicate<String> which) {
    named()
        .forEach((name, tensor) -> {
          if (which.test(name) && Torch.type(tensor) != type) {
            try (Scope _ = new Scope()) {
              tensor.set_data(tensor.detach().to(type));
            }
          }
        });
  }

  /**
   * Overwrites every tensor created so far under this view with the values of {@code source}, for
   * resuming a training.
   *
   * @throws RadialogException if {@code source} lacks one
   */
  public void load(Source source) {
    load(source, named());
  }

  /**
   * Overwrites tensors with the values of the same names in {@code source}.
   *
   * @throws RadialogException if {@code source} lacks one
   */
  public static void load(Source source, SequencedMap<String, Tensor> tensors) {
    tensors.forEach((name, tensor) -> overwrite(source, name, tensor));
  }

  /**
   * Writes the tensors under this view atomically, by full name, as a safetensors file.
   *
   * @param dtype {@code F32}, {@code F16} or {@code BF16}
   */
  public void save(Path file, Map<String, String> metadata, DType dtype) {
    SafetensorsWriter.write(file, metadata, entries(named(), dtype));
  }

  /** Copies of tensors for a safetensors file, rounded to {@code dtype}, in their order. */
  public static SequencedMap<String, SafetensorsWriter.Entry> entries(
      SequencedMap<String, Tensor> tensors, DType dtype) {
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    tensors.forEach((name, tensor) ->
        entries.put(
            name, SafetensorsWriter.Entry.of(dtype, Torch.floats(tensor), Torch.shape(tensor))));
    return entries;
  }

  private static void overwrite(Source source, String name, Tensor tensor) {
    long[] shape = Torch.shape(tensor);
    float[] values = source.values(name, shape).orElseThrow(() -> missing(name, shape));
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      tensor.copy_(Torch.tensor(values, shape));
    }
  }

  /** Frees all tensors of the root, including those under other views. */
  @Override
  public void close() {
    root.tensors.values().forEach(Tensor::close);
    root.tensors.clear();
  }

  // FNV-1a: String.hashCode has only 32 bits, too few to keep the random streams distinct.
  private static long hash(String name) {
    long h = 0xcbf29ce484222325L;
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return h;
  }

  private static RadialogException missing(String name, long[] shape) {
    return new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "the checkpoint has no tensor "
            + name
            + " of shape "
            + Arrays.toString(shape)
            + ": it belongs to another network, or its names need a prefix");
  }

  private static RadialogException wrongShape(String name, long[] expected, long[] found) {
    return new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "tensor "
            + name
            + ": expected shape "
            + Arrays.toString(expected)
            + ", found "
            + Arrays.toString(found));
  }
}
