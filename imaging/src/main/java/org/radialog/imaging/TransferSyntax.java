package org.radialog.imaging;

import java.nio.ByteOrder;
import java.util.Map;
import org.radialog.base.Printable;
import org.radialog.codecs.Remedy;

/** DICOM transfer syntaxes: PS3.6, table A-1. docs/dicom.md lists those that are supported. */
sealed interface TransferSyntax {
  /** The encoding of elements and of uncompressed pixels. */
  record Native(boolean explicitVr, ByteOrder order) implements TransferSyntax {}

  /** Explicit VR little endian, deflated after the file meta information: PS3.5, A.5. */
  record Deflated() implements TransferSyntax {}

  /** Explicit VR little endian whose pixel data are fragments: PS3.5, A.4. */
  record Encapsulated(Coding coding, String title) implements TransferSyntax {}

  /** The compression of a frame in fragments. */
  enum Coding {
    /** Not at all. */
    PLAIN,
    /** PS3.5, annex G. */
    RLE,
    /** JPEG, JPEG-LS or JPEG 2000; the codestream determines which. */
    JPEG
  }

  /** An unsupported transfer syntax, with its name and identifier, and what the user can do. */
  record Other(String title, String hint) implements TransferSyntax {}

  Native IMPLICIT_LITTLE = new Native(false, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_LITTLE = new Native(true, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_BIG = new Native(true, ByteOrder.BIG_ENDIAN);

  /** The suffixes of {@link #JPEG_ROOT} for supported codestreams. */
  Map<String, String> JPEGS =
      Map.ofEntries(
          Map.entry("50", "JPEG Baseline (Process 1)"),
          Map.entry("51", "JPEG Extended (Process 2 and 4)"),
          Map.entry("57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
          Map.entry("70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction"),
          Map.entry("80", "JPEG-LS Lossless"),
          Map.entry("81", "JPEG-LS Lossy (Near-Lossless)"),
          Map.entry("90", "JPEG 2000 Lossless"),
          Map.entry("91", "JPEG 2000"),
          Map.entry("92", "JPEG 2000 Part 2 Multi-component Lossless"),
          Map.entry("93", "JPEG 2000 Part 2 Multi-component"));

  String JPEG_ROOT = "1.2.840.10008.1.2.4.";

  static TransferSyntax of(String uid) {
    return switch (uid) {
      case "1.2.840.10008.1.2" -> IMPLICIT_LITTLE;
      case "1.2.840.10008.1.2.1" -> EXPLICIT_LITTLE;
      case "1.2.840.10008.1.2.2" -> EXPLICIT_BIG;
      case "1.2.840.10008.1.2.1.99" -> new Deflated();
      case "1.2.840.10008.1.2.1.98" ->
          new Encapsulated(Coding.PLAIN, title("Encapsulated Uncompressed", uid));
      case "1.2.840.10008.1.2.5" -> new Encapsulated(Coding.RLE, title("RLE Lossless", uid));
      default -> {
        String number = uid.startsWith(JPEG_ROOT) ? uid.substring(JPEG_ROOT.length()) : "";
        String name = JPEGS.get(number);
        yield name != null ? new Encapsulated(Coding.JPEG, title(name, uid)) : other(number, uid);
      }
    };
  }

  private static Other other(String number, String uid) {
    return switch (number) {
      case "53", "55" -> new Other(title("JPEG Progressive, retired", uid), Remedy.CONVERT);
      case "52", "54", "56", "58", "59", "60", "61", "62", "63", "64", "65", "66" ->
          new Other(title("a retired JPEG process", uid), Remedy.ASK);
      case "94", "95", "204", "205" ->
          new Other(title("JPIP Referenced", uid), "its pixels are on a server: " + Remedy.ASK);
      case "100", "101", "102", "103", "104", "105", "106", "107", "108" ->
          new Other(title("MPEG video", uid), "a radiograph is no video: " + Remedy.ASK);
      case "110", "111", "112" -> new Other(title("JPEG XL", uid), Remedy.ASK);
      case "201", "202", "203" ->
          new Other(title("High-Throughput JPEG 2000", uid), Remedy.WITH_PYDICOM);
      default -> new Other("unknown transfer syntax (" + Printable.of(uid) + ")", Remedy.ASK);
    };
  }

  private static String title(String name, String uid) {
    return name + " (" + uid + ")";
  }
}
