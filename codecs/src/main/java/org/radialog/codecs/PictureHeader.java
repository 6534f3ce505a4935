package org.radialog.codecs;

/**
 * The properties of an image in the header of a PNG or JPEG file.
 *
 * @param width in pixels, before applying the orientation
 * @param height in pixels, before applying the orientation
 * @param channels samples per pixel, 1 to 4
 * @param bytesPerSample 1 or 2
 * @param orientation EXIF, 1 to 8
 */
public record PictureHeader(
    int width, int height, int channels, int bytesPerSample, int orientation) {}
