package org.radialog.imaging;

import java.nio.ByteOrder;
import java.util.Map;

/** DICOM transfer syntaxes: PS3.6, table A-1. */
sealed interface TransferSyntax {
  /** A way back to plain pixels that holds for what gdcm decodes. */
  String CONVERT = "convert it with `gdcmconv --raw IN OUT`";

  /** For what no tool at hand decodes. */
  String ASK = "ask the archive to send it as Explicit VR Little Endian (1.2.840.10008.1.2.1)";

  /** How elements are written, and pixels as they are. */
  record Native(boolean explicitVr, ByteOrder order) implements TransferSyntax {}

  /** Explicit VR little endian, deflated behind the file meta information: PS3.5, A.5. */
  record Deflated() implements TransferSyntax {}

  /** Explicit VR little endian whose pixel data are fragments of a codestream: PS3.5, A.4. */
  record Encapsulated(Coding coding, String title) implements TransferSyntax {}

  /** How a frame in fragments is coded. */
  enum Coding {
    /** Of PS3.5, annex G. */
    RLE,
    /** JPEG, JPEG-LS or JPEG 2000: their codestreams tell which. */
    JPEG
  }

  /** One that is not read, by its name and identifier, and what to do about it. */
  record Other(String title, String hint) implements TransferSyntax {}

  Native IMPLICIT_LITTLE = new Native(false, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_LITTLE = new Native(true, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_BIG = new Native(true, ByteOrder.BIG_ENDIAN);

  static TransferSyntax of(String uid) {
    return switch (uid) {
      case "1.2.840.10008.1.2" -> IMPLICIT_LITTLE;
      case "1.2.840.10008.1.2.1" -> EXPLICIT_LITTLE;
      case "1.2.840.10008.1.2.2" -> EXPLICIT_BIG;
      case "1.2.840.10008.1.2.1.99" -> new Deflated();
      case "1.2.840.10008.1.2.5" -> coded(Coding.RLE, "RLE Lossless", uid);
      case "1.2.840.10008.1.2.4.50" -> coded(Coding.JPEG, "JPEG Baseline (Process 1)", uid);
      case "1.2.840.10008.1.2.4.51" -> coded(Coding.JPEG, "JPEG Extended (Process 2 and 4)", uid);
      case "1.2.840.10008.1.2.4.57" ->
          coded(Coding.JPEG, "JPEG Lossless, Non-Hierarchical (Process 14)", uid);
      case "1.2.840.10008.1.2.4.70" ->
          coded(Coding.JPEG, "JPEG Lossless, Non-Hierarchical, First-Order Prediction", uid);
      case "1.2.840.10008.1.2.4.80" -> coded(Coding.JPEG, "JPEG-LS Lossless", uid);
      case "1.2.840.10008.1.2.4.81" -> coded(Coding.JPEG, "JPEG-LS Lossy (Near-Lossless)", uid);
      case "1.2.840.10008.1.2.4.90" -> coded(Coding.JPEG, "JPEG 2000 Lossless", uid);
      case "1.2.840.10008.1.2.4.91" -> coded(Coding.JPEG, "JPEG 2000", uid);
      default -> other(uid);
    };
  }

  private static Encapsulated coded(Coding coding, String name, String uid) {
    return new Encapsulated(coding, name + " (" + uid + ")");
  }

  private static Other other(String uid) {
    String name = NAMES.get(uid);
    if (name == null) {
      return new Other(
          "unknown transfer syntax (" + org.radialog.base.Printable.of(uid) + ")", ASK);
    }
    return new Other(name + " (" + uid + ")", ASK);
  }

  Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry(
              "1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
          Map.entry("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Multi-component Lossless"),
          Map.entry("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component"),
          Map.entry("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
          Map.entry("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate"),
          Map.entry("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile at Main Level"),
          Map.entry("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile at High Level"),
          Map.entry("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile at Level 4.1"),
          Map.entry("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
          Map.entry("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
          Map.entry("1.2.840.10008.1.2.4.112", "JPEG XL"),
          Map.entry("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless"),
          Map.entry("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Lossless"),
          Map.entry("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"));
}
