package org.radialog.codecs;

/**
 * What a PNG or JPEG file says of its picture.
 *
 * @param orientation EXIF, 1 to 8
 */
public record PictureHeader(
    int width, int height, int channels, int bytesPerSample, int orientation) {}
