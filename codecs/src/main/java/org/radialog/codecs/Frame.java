package org.radialog.codecs;

/**
 * One decoded frame of grey: {@code [rows, columns]}, row-major.
 *
 * @param bits of a value, 2 to 16, as the codestream says
 * @param signed whether the codestream itself says that values are signed; all but JPEG 2000 leave
 *     that to the DICOM header
 * @param exact false where coding lost something, so that values may overshoot
 * @param values in the low {@code bits}; a signed one is extended to 16
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Frame(int bits, boolean signed, boolean exact, short[] values) {}
