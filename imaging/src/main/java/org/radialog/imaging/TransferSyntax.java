package org.radialog.imaging;

import java.nio.ByteOrder;
import java.util.Map;

/** DICOM transfer syntaxes: PS3.6, table A-1. */
sealed interface TransferSyntax {
  /** Pixels as they are: the ones that are read here. */
  record Native(boolean explicitVr, ByteOrder order) implements TransferSyntax {}

  /** Any other, by its name and identifier. */
  record Other(String title) implements TransferSyntax {}

  Native IMPLICIT_LITTLE = new Native(false, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_LITTLE = new Native(true, ByteOrder.LITTLE_ENDIAN);
  Native EXPLICIT_BIG = new Native(true, ByteOrder.BIG_ENDIAN);

  Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
          Map.entry(
              "1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
          Map.entry("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)"),
          Map.entry("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)"),
          Map.entry("1.2.840.10008.1.2.4.57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
          Map.entry(
              "1.2.840.10008.1.2.4.70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction"),
          Map.entry("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
          Map.entry("1.2.840.10008.1.2.4.81", "JPEG-LS Lossy (Near-Lossless)"),
          Map.entry("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"),
          Map.entry("1.2.840.10008.1.2.4.91", "JPEG 2000"),
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
          Map.entry("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
          Map.entry("1.2.840.10008.1.2.5", "RLE Lossless"));

  static TransferSyntax of(String uid) {
    return switch (uid) {
      case "1.2.840.10008.1.2" -> IMPLICIT_LITTLE;
      case "1.2.840.10008.1.2.1" -> EXPLICIT_LITTLE;
      case "1.2.840.10008.1.2.2" -> EXPLICIT_BIG;
      default -> new Other(NAMES.getOrDefault(uid, "unknown transfer syntax") + " (" + uid + ")");
    };
  }
}
