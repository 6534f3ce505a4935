package org.radialog.weights;

import java.nio.charset.StandardCharsets;

/** Pieces of pickles, opcode by opcode; each character stands for a byte. */
final class Pickles {
  private Pickles() {}

  /** BINUNICODE. */
  static String text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return "X" + little(utf8.length) + new String(utf8, StandardCharsets.ISO_8859_1);
  }

  /** Opcode and number as LONG_BINPUT, LONG_BINGET and BININT have them. */
  static String wide(char opcode, int number) {
    return opcode + little(number);
  }

  private static String little(int number) {
    StringBuilder bytes = new StringBuilder();
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      bytes.append((char) (number >>> shift & 0xff));
    }
    return bytes.toString();
  }

  /** A numpy array; shape, column-major and data are opcodes. */
  static String array(String type, String order, String shape, String columnMajor, String data) {
    return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u0085C\1b\u0087R(K\1"
        + shape
        + numpyType(type, order)
        + columnMajor
        + data
        + "tb";
  }

  static String numpyType(String type, String order) {
    return "cnumpy\ndtype\n"
        + text(type)
        + "\u0089\u0088\u0087R(K\3"
        + text(order)
        + "NNNJ\u00ff\u00ff\u00ff\u00ffJ\u00ff\u00ff\u00ff\u00ffK\0tb";
  }

  /** A view of the storage 0 of six floats; offset, size and stride are opcodes. */
  static String tensor(String offset, String size, String stride) {
    return "ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage")
        + "ctorch\nFloatStorage\n"
        + text("0")
        + text("cpu")
        + "K\6tQ"
        + offset
        + size
        + stride
        + "\u0089NtR";
  }

  static byte[] bytes(String pickle) {
    return pickle.getBytes(StandardCharsets.ISO_8859_1);
  }
}
