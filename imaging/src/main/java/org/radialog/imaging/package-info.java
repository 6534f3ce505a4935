/**
 * Pixels: reading, windowing, resizing and cropping, checks, drawing.
 *
 * <p>{@link org.radialog.imaging.Radiograph} reads a PNG, JPEG or DICOM file whole or throws {@link
 * org.radialog.codecs.ImageRefused}; {@link org.radialog.imaging.Guard} says whether a report may
 * be written on it; {@link org.radialog.imaging.Preprocessing} gives the networks what they were
 * trained on; {@link org.radialog.imaging.FilmImage} draws it for people.
 */
@NullMarked
package org.radialog.imaging;

import org.jspecify.annotations.NullMarked;
