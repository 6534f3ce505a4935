package org.radialog.imaging;

/**
 * The properties of an image in the header of a DICOM file, without any data of the patient. A
 * value that is missing is the empty string.
 *
 * @param modality (0008,0060), for example {@code CR} or {@code DX}
 * @param bodyPart (0018,0015), for example {@code CHEST}
 * @param viewPosition (0018,5101), for example {@code PA}, {@code AP}, {@code LL}
 * @param patientOrientation (0020,0020): the directions of rows and columns, {@code L\F} for the
 *     usual display of a frontal film
 * @param photometricInterpretation (0028,0004): {@code MONOCHROME1} or {@code MONOCHROME2}
 * @param presentationLutShape (2050,0020): {@code IDENTITY} or {@code INVERSE}
 */
public record DicomHeader(
    String modality,
    String bodyPart,
    String viewPosition,
    String patientOrientation,
    String photometricInterpretation,
    String presentationLutShape) {}
