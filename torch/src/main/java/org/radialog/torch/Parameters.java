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
 * The named tensors of a network. A layer asks for each by the name it has in the checkpoint, with
 * the shape it needs; the tensor comes from the source behind, or begins by its {@link Init}. All
 * tensors are fp32 until {@link #to} says otherwise and belong to the root, which frees them.
 *
 * <p>Not safe for use by several threads while a network is being built.
 */
public final class Parameters implements AutoCloseable {
  /** Where values come from. */
  @FunctionalInterface
  public interface Source {
    /**
     * The row-major values of {@code name}, or empty if it has none.
     *
     * @throws RadialogException if the source's shape is another one
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

    /** The same source for names behind {@code prefix}, which the source itself does not have. */
    default Source behind(String prefix) {
      return (name, shape) ->
          name.startsWith(prefix)
              ? values(name.substring(prefix.length()), shape)
              : Optional.empty();
    }

    /** The same source for names that it has behind {@code prefix}. */
    default Source at(String prefix) {
      return (name, shape) -> values(prefix + name, shape);
    }

    /** This source, and {@code other} for what it lacks. */
    default Source or(Source other) {
      return (name, shape) -> values(name, shape).or(() -> other.values(name, shape));
    }
  }

  /** What an absent name means. */
  private sealed interface Absent {
    record Refused() implements Absent {}

    record Fresh(long seed) implements Absent {}

    /** No name has values: tensors have shapes alone. */
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

  /** Parameters from {@code source}; a name that it does not have begins by its {@link Init}. */
  public static Parameters of(Source source, long seed) {
    return new Parameters(new Root(source, new Absent.Fresh(seed), new LinkedHashMap<>()), "");
  }

  /** New parameters. A value depends on the seed and its name only, not on the order of layers. */
  public static Parameters fresh(long seed) {
    return of((name, shape) -> Optional.empty(), seed);
  }

  /**
   * Parameters without values or memory, of any size: a network built on them says by {@link
   * #shapes} which tensors it needs, and can do nothing else.
   */
  public static Parameters outline() {
    return new Parameters(
        new Root((name, shape) -> Optional.empty(), new Absent.Outline(), new LinkedHashMap<>()),
        "");
  }

  /** A view in which every name is put behind {@code part}, for example {@code "encoder."}. */
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

  /** The shapes of the tensors made so far under this view, by full name. */
  public SequencedMap<String, long[]> shapes() {
    SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
    named().forEach((name, tensor) -> shapes.put(name, Torch.shape(tensor)));
    return shapes;
  }

  /** All tensors made so far under this view, by full name, in the order they were asked for. */
  public SequencedMap<String, Tensor> named() {
    SequencedMap<String, Tensor> named = new LinkedHashMap<>();
    root.tensors.forEach((name, tensor) -> {
      if (name.startsWith(prefix)) {
        named.put(name, tensor);
      }
    });
    return named;
  }

  /** The tensors of {@link #named} that take a gradient. */
  public SequencedMap<String, Tensor> trainable() {
    SequencedMap<String, Tensor> trainable = named();
    trainable.values().removeIf(t -> !t.requires_grad());
    return trainable;
  }

  /** Tensors under this view whose full name passes take a gradient, the others do not. */
  public void trainable(Predicate<String> which) {
    named().forEach((name, tensor) -> tensor.requires_grad_(which.test(name)));
  }

  /** Converts the tensors under this view whose full name passes, in place. */
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
   * Overwrites every tensor made so far under this view with the values of {@code source}, as when
   * training goes on.
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
   * Writes the tensors under this view, by full name, as a safetensors file: whole or not at all.
   *
   * @param dtype {@code F32}, {@code F16} or {@code BF16}
   */
  public void save(Path file, Map<String, String> metadata, DType dtype) {
    SafetensorsWriter.write(file, metadata, entries(named(), dtype));
  }

  /** Tensors as a safetensors file takes them, rounded to {@code dtype}: copies, in their order. */
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

  /** Frees all tensors of the root, also those under other views. */
  @Override
  public void close() {
    root.tensors.values().forEach(Tensor::close);
    root.tensors.clear();
  }

  // FNV-1a: String.hashCode has 32 bits only, too few to keep the streams apart.
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
