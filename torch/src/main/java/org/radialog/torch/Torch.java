package org.radialog.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;

/** Conversion of values to and from tensors. */
public final class Torch {
  static {
    NativeLibraries.load();
  }

  private Torch() {}

  /** An fp32 tensor with a copy of {@code values}, row-major. */
  public static Tensor tensor(float[] values, long... shape) {
    requireElements(values.length, shape);
    Tensor t = empty(ScalarType.Float, shape);
    memory(t).copyFrom(MemorySegment.ofArray(values));
    return t;
  }

  /** An int64 tensor with a copy of {@code values}, row-major: ids and indices. */
  public static Tensor tensor(long[] values, long... shape) {
    requireElements(values.length, shape);
    Tensor t = empty(ScalarType.Long, shape);
    memory(t).copyFrom(MemorySegment.ofArray(values));
    return t;
  }

  /** An int64 tensor of {@code values}, row-major: ids and indices. */
  public static Tensor tensor(int[] values, long... shape) {
    return tensor(Arrays.stream(values).asLongStream().toArray(), shape);
  }

  /** A tensor of undefined content. */
  public static Tensor empty(ScalarType type, long... shape) {
    try (Scope scope = new Scope()) {
      return scope.keep(torch.empty(shape, new TensorOptions(type), new MemoryFormatOptional()));
    }
  }

  /** An fp32 tensor of that shape without memory. */
  static Tensor outline(long... shape) {
    try (Scope scope = new Scope()) {
      TensorOptions meta = new TensorOptions(ScalarType.Float);
      return scope.keep(
          torch.empty(
              shape,
              meta.device(new DeviceOptional(new Device(DeviceType.Meta))),
              new MemoryFormatOptional()));
    }
  }

  /** The values as fp32, row-major, of a tensor of any dtype and any strides. */
  public static float[] floats(Tensor t) {
    try (Scope _ = new Scope()) {
      Tensor plain = t.detach().to(ScalarType.Float).contiguous();
      return memory(plain).toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  /** The values as int64, row-major, of a tensor of any dtype and any strides. */
  public static long[] longs(Tensor t) {
    try (Scope _ = new Scope()) {
      Tensor plain = t.detach().to(ScalarType.Long).contiguous();
      return memory(plain).toArray(ValueLayout.JAVA_LONG);
    }
  }

  /** The one value of a tensor with one element. */
  public static double item(Tensor t) {
    try (Scope _ = new Scope()) {
      return t.detach().to(ScalarType.Double).item_double();
    }
  }

  /** The lengths of the dimensions. */
  public static long[] shape(Tensor t) {
    try (Scope _ = new Scope()) {
      return LongStream.range(0, t.dim()).map(t::size).toArray();
    }
  }

  /**
   * The dtype, comparable with {@code ==}; the method of the binding creates a new object per call.
   */
  public static ScalarType type(Tensor t) {
    return t.scalar_type().intern();
  }

  /**
   * The memory of a contiguous tensor, without a copy. It is valid as long as the tensor lives.
   *
   * @throws RadialogException if the tensor is not contiguous
   */
  @SuppressWarnings("restricted") // the length is that of the tensor
  public static MemorySegment memory(Tensor t) {
    try (Scope _ = new Scope()) {
      if (!t.is_contiguous()) {
        throw new RadialogException(
            "cannot read a tensor of shape "
                + Arrays.toString(shape(t))
                + " in place: its strides are not row-major; make it contiguous first");
      }
      return MemorySegment.ofAddress(t.data_ptr().address())
          .reinterpret(t.numel() * t.element_size());
    }
  }

  /**
   * A tensor over native memory, row-major, without a copy: valid as long as the memory is, which
   * stays its owner's.
   */
  public static Tensor over(MemorySegment memory, ScalarType type, long... shape) {
    return torch.from_blob(new Address(memory.address()), shape, new TensorOptions(type));
  }

  /** A place in memory that somebody else owns. */
  private static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }

  /**
   * Returns the memory of freed tensors to the system, which is otherwise kept for later tensors:
   * useful once, after loading a model.
   */
  public static void giveBack() {
    Allocator.giveBack();
  }

  /** Seeds the random generator of the library, which dropout uses. */
  public static void seed(long seed) {
    torch.manual_seed(seed);
  }

  private static void requireElements(long length, long[] shape) {
    long elements = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (elements != length) {
      throw new RadialogException(
          "a tensor of shape "
              + Arrays.toString(shape)
              + " has "
              + elements
              + " values, got "
              + length);
    }
  }
}
