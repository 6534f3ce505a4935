package org.radialog.imaging;

import org.radialog.codecs.Remap;

/**
 * What a picture's stored samples mean in 8-bit grey, as tables with one entry per stored level;
 * samples are looked up, never computed one by one.
 */
interface GreyLevels {
  /** For a model, after {@code remap_to_uint8}; {@code histogram} is that of the stored samples. */
  byte[] forModel(DicomRecipe recipe, int[] histogram);

  /** For a person. */
  byte[] forDisplay(int[] histogram);

  /** A picture without any statement of its own: min–max for a model; 8 bit is shown as it is. */
  GreyLevels PLAIN =
      new GreyLevels() {
        @Override
        public byte[] forModel(DicomRecipe recipe, int[] histogram) {
          return Remap.minMax(histogram);
        }

        @Override
        public byte[] forDisplay(int[] histogram) {
          return histogram.length == 256 ? Remap.identity() : Remap.minMax(histogram);
        }
      };
}
