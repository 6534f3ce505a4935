package org.radialog.codecs;

/** What a person can do with a file whose coding is not read; a refusal ends with one of these. */
public final class Remedy {
  /** The way back to plain pixels of what gdcm decodes and we do not. */
  public static final String CONVERT = "convert it with `gdcmconv --raw IN OUT`";

  /** Where no common tool knows a way back. */
  public static final String ASK =
      "ask the archive to send it as Explicit VR Little Endian (1.2.840.10008.1.2.1)";

  /** Where neither gdcm nor dcmtk decodes it. */
  public static final String WITH_PYDICOM =
      "decompress it with pydicom and pylibjpeg-openjpeg: dcmread(IN), decompress(), save_as(OUT)";

  private Remedy() {}
}
