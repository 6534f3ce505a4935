package org.radialog.codecs;

/**
 * One decoded greyscale frame: {@code [rows, columns]}, row-major.
 *
 * @param bits bits per value, 2 to 16, as stated by the codestream
 * @param signed whether the codestream itself declares values as signed; all formats except JPEG
 *     2000 leave this to the DICOM header
 * @param exact false if the compression was lossy, so that values may overshoot
 * @param values in the low {@code bits}; signed values are extended to 16 bits
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Frame(int bits, boolean signed, boolean exact, short[] values) {}
