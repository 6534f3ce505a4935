package org.radialog.imaging;

import org.radialog.codecs.Remap;

/**
 * Maps the stored samples of an image to 8-bit grey with tables that have one entry per stored
 * level; samples are looked up, never computed one by one.
 */
interface GreyLevels {
  /**
   * The table for a model, after {@code remap_to_uint8}; {@code histogram} is that of the stored
   * samples.
   */
  byte[] forModel(DicomRecipe recipe, int[] histogram);

  /** The table for display. */
  byte[] forDisplay(int[] histogram);

  /** An image without metadata: min–max for a model; 8-bit images are displayed unchanged. */
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
