/**
 * Pixels: reading, windowing, resizing and cropping, checks, drawing.
 *
 * <p>{@link org.radialog.imaging.Radiograph} reads a PNG, JPEG or DICOM file completely or throws
 * {@link org.radialog.imaging.ImageRefused}; {@link org.radialog.imaging.Guard} decides whether a
 * report may be written for it; {@link org.radialog.imaging.Preprocessing} prepares the input of
 * the networks; {@link org.radialog.imaging.FilmImage} draws it for people.
 */
@NullMarked
package org.radialog.imaging;

import org.jspecify.annotations.NullMarked;
