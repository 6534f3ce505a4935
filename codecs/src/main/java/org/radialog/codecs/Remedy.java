package org.radialog.codecs;

/**
 * What the user can do with a file whose compression is not supported; a refusal ends with one of
 * these texts.
 */
public final class Remedy {
  /** For compressions that gdcm can decode but RaDialog cannot. */
  public static final String CONVERT = "convert it with `gdcmconv --raw IN OUT`";

  /** For compressions that no common tool can decode. */
  public static final String ASK =
      "ask the archive to send it as Explicit VR Little Endian (1.2.840.10008.1.2.1)";

  /** For compressions that neither gdcm nor dcmtk can decode. */
  public static final String WITH_PYDICOM =
      "decompress it with pydicom and pylibjpeg-openjpeg: dcmread(IN), decompress(), save_as(OUT)";

  private Remedy() {}
}
