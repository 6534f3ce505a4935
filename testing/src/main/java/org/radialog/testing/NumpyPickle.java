package org.radialog.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.WholeFile;
import org.radialog.weights.DType;

/**
 * Writes a dict of fp32 numpy arrays like {@code pickle.dump} of Python 3.8 or later with numpy 1
 * (protocol 4). This is the format of the image embeddings for the first version's language model.
 */
public final class NumpyPickle {
  private static final int FRAME = 1 << 16;
  private static final int BATCH = 1000;

  private final OutputStream out;
  private final ByteArrayOutputStream frame = new ByteArrayOutputStream();
  private final Map<String, Integer> names = new HashMap<>();
  private int remembered;

  private NumpyPickle(OutputStream out) {
    this.out = out;
  }

  /** Writes {@code arrays} of type F32 under their names. */
  public static void write(Path file, SequencedMap<String, Weight> arrays) {
    WholeFile.write(file, out -> new NumpyPickle(out).write(arrays));
  }

  private void write(SequencedMap<String, Weight> arrays) throws IOException {
    out.write(new byte[] {(byte) 0x80, 4});
    opcode('}');
    remember();
    int open = 0;
    for (Map.Entry<String, Weight> array : arrays.entrySet()) {
      if (open == 0) {
        opcode('(');
      }
      text(array.getKey());
      array(array.getValue());
      if (++open == BATCH) {
        opcode('u');
        open = 0;
      }
      if (frame.size() >= FRAME) {
        endFrame();
      }
    }
    if (open > 0) {
      opcode('u');
    }
    opcode('.');
    endFrame();
  }

  // _reconstruct(ndarray, (0,), b'b'), then the state (1, shape, dtype, column-major, bytes)
  private void array(Weight array) throws IOException {
    if (array.dtype() != DType.F32) {
      throw new IllegalArgumentException("the embeddings are F32, not " + array.dtype());
    }
    global("numpy.core.multiarray", "_reconstruct");
    global("numpy", "ndarray");
    field('K', 0, 1);
    opcode(0x85);
    remember();
    field('C', 1, 1);
    frame.write('b');
    remember();
    opcode(0x87);
    remember();
    opcode('R');
    remember();
    opcode('(');
    field('K', 1, 1);
    long[] shape = array.shape();
    if (shape.length > 3) {
      opcode('(');
    }
    for (long dimension : shape) {
      field('J', dimension, Integer.BYTES);
    }
    opcode(shape.length > 3 ? 't' : 0x84 + shape.length);
    remember();
    type();
    opcode(0x89);
    data(array);
    remember();
    opcode('t');
    remember();
    opcode('b');
  }

  // dtype('f4', False, True) with the state (3, '<', None, None, None, -1, -1, 0)
  private void type() throws IOException {
    Integer known = names.get("dtype f4");
    if (known != null) {
      recall(known);
      return;
    }
    global("numpy", "dtype");
    text("f4");
    opcode(0x89);
    opcode(0x88);
    opcode(0x87);
    remember();
    opcode('R');
    names.put("dtype f4", remember());
    opcode('(');
    field('K', 3, 1);
    text("<");
    opcode('N');
    opcode('N');
    opcode('N');
    field('J', -1, Integer.BYTES);
    field('J', -1, Integer.BYTES);
    field('K', 0, 1);
    opcode('t');
    remember();
    opcode('b');
  }

  private void data(Weight array) throws IOException {
    long bytes = array.bytes();
    if (bytes < 256) {
      field('C', bytes, 1);
      array.writeTo(frame);
    } else if (bytes < FRAME) {
      field('B', bytes, Integer.BYTES);
      array.writeTo(frame);
    } else {
      // Large data are written directly, between two frames.
      endFrame();
      boolean narrow = bytes <= 0xffffffffL;
      field(narrow ? 'B' : 0x8e, bytes, narrow ? Integer.BYTES : Long.BYTES);
      frame.writeTo(out);
      frame.reset();
      array.writeTo(out);
    }
  }

  private void endFrame() throws IOException {
    if (frame.size() > 0) {
      out.write(new Fields().u8(0x95).u64(frame.size()).toArray());
      frame.writeTo(out);
      frame.reset();
    }
  }

  private void global(String module, String name) {
    String dotted = "class " + module + "." + name;
    Integer known = names.get(dotted);
    if (known != null) {
      recall(known);
      return;
    }
    text(module);
    text(name);
    opcode(0x93);
    names.put(dotted, remember());
  }

  private void text(String text) {
    Integer known = names.get(text);
    if (known != null) {
      recall(known);
      return;
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    if (utf8.length < 256) {
      field(0x8c, utf8.length, 1);
    } else {
      field('X', utf8.length, Integer.BYTES);
    }
    frame.writeBytes(utf8);
    names.put(text, remember());
  }

  private int remember() {
    opcode(0x94);
    return remembered++;
  }

  private void recall(int index) {
    if (index < 256) {
      field('h', index, 1);
    } else {
      field('j', index, Integer.BYTES);
    }
  }

  private void opcode(int opcode) {
    frame.write(opcode);
  }

  private void field(int opcode, long value, int width) {
    frame.writeBytes(new Fields().u8(opcode).number(value, width).toArray());
  }
}
