package org.radialog.imaging;

import static org.radialog.imaging.ImageRefused.Reason.CORRUPT;
import static org.radialog.imaging.ImageRefused.Reason.TRUNCATED;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The elements of a DICOM data set (PS3.5, section 7) that concern its picture. All others are
 * stepped over by their lengths, whose sum never passes the end of the file; nested sequences are
 * bounded in depth, and nothing is kept of an element that is not {@linkplain #KEPT named here}.
 */
final class DicomDataSet {
  static final int TRANSFER_SYNTAX = 0x0002_0010;
  static final int MODALITY = 0x0008_0060;
  static final int BODY_PART = 0x0018_0015;
  static final int VIEW_POSITION = 0x0018_5101;
  static final int PATIENT_ORIENTATION = 0x0020_0020;
  static final int SAMPLES_PER_PIXEL = 0x0028_0002;
  static final int PHOTOMETRIC = 0x0028_0004;
  static final int FRAMES = 0x0028_0008;
  static final int ROWS = 0x0028_0010;
  static final int COLUMNS = 0x0028_0011;
  static final int BITS_ALLOCATED = 0x0028_0100;
  static final int BITS_STORED = 0x0028_0101;
  static final int HIGH_BIT = 0x0028_0102;
  static final int PIXEL_REPRESENTATION = 0x0028_0103;
  static final int PADDING = 0x0028_0120;
  static final int PADDING_LIMIT = 0x0028_0121;
  static final int WINDOW_CENTER = 0x0028_1050;
  static final int WINDOW_WIDTH = 0x0028_1051;
  static final int INTERCEPT = 0x0028_1052;
  static final int SLOPE = 0x0028_1053;
  static final int VOI_FUNCTION = 0x0028_1056;
  static final int MODALITY_LUT = 0x0028_3000;
  static final int LUT_DESCRIPTOR = 0x0028_3002;
  static final int LUT_DATA = 0x0028_3006;
  static final int VOI_LUT = 0x0028_3010;
  static final int PRESENTATION_LUT_SHAPE = 0x2050_0020;
  static final int PIXEL_DATA = 0x7FE0_0010;

  private static final Set<Integer> KEPT =
      Set.of(
          TRANSFER_SYNTAX,
          MODALITY,
          BODY_PART,
          VIEW_POSITION,
          PATIENT_ORIENTATION,
          SAMPLES_PER_PIXEL,
          PHOTOMETRIC,
          FRAMES,
          ROWS,
          COLUMNS,
          BITS_ALLOCATED,
          BITS_STORED,
          HIGH_BIT,
          PIXEL_REPRESENTATION,
          PADDING,
          PADDING_LIMIT,
          WINDOW_CENTER,
          WINDOW_WIDTH,
          INTERCEPT,
          SLOPE,
          VOI_FUNCTION,
          LUT_DESCRIPTOR,
          LUT_DATA,
          PRESENTATION_LUT_SHAPE,
          PIXEL_DATA);

  private static final int ITEM = 0xFFFE_E000;
  private static final int ITEM_END = 0xFFFE_E00D;
  private static final int SEQUENCE_END = 0xFFFE_E0DD;
  private static final long UNDEFINED = 0xFFFF_FFFFL;
  private static final int DEEPEST = 32;

  /** Where an element's value lies; encapsulated pixel data have {@link #ENCAPSULATED} bytes. */
  record Value(String vr, int offset, int length) {}

  static final int ENCAPSULATED = -1;

  private record Element(int tag, String vr, int offset, long length) {
    boolean undefined() {
      return length == UNDEFINED;
    }
  }

  private final String image;
  private final byte[] file;
  private final ByteBuffer in;
  private final Map<Integer, Value> values = new HashMap<>();
  private final Map<Integer, DicomDataSet> firstItems = new HashMap<>();

  private DicomDataSet(String image, byte[] file, ByteBuffer in) {
    this.image = image;
    this.file = file;
    this.in = in;
  }

  /** Elements of group 2, explicit VR little endian, from {@code start} on. */
  static DicomDataSet meta(String image, byte[] file, int start) {
    var set = new DicomDataSet(image, file, ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN));
    var syntax = TransferSyntax.EXPLICIT_LITTLE;
    set.in.position(start);
    while (set.in.remaining() >= 8 && (set.in.getShort(set.in.position()) & 0xFFFF) == 0x0002) {
      set.take(set.header(syntax, file.length), syntax, file.length, 0);
    }
    return set;
  }

  /** The main data set, up to and with its pixel data. */
  static DicomDataSet main(String image, byte[] file, int start, TransferSyntax.Native syntax) {
    var set = new DicomDataSet(image, file, ByteBuffer.wrap(file).order(syntax.order()));
    set.in.position(start);
    while (set.in.hasRemaining() && !set.has(PIXEL_DATA)) {
      set.take(set.header(syntax, file.length), syntax, file.length, 0);
    }
    if (!set.has(PIXEL_DATA)) {
      throw new ImageRefused(
          TRUNCATED,
          image,
          "the DICOM file ends after %d bytes without pixel data (7FE0,0010): expected a radiograph"
              .formatted(file.length));
    }
    return set;
  }

  /** Byte after the last element that was read. */
  int position() {
    return in.position();
  }

  /** True if a value of at least one byte stands in the file. */
  boolean has(int tag) {
    return values.containsKey(tag);
  }

  Optional<Value> value(int tag) {
    return Optional.ofNullable(values.get(tag));
  }

  /** The first item of a sequence. */
  Optional<DicomDataSet> item(int tag) {
    return Optional.ofNullable(firstItems.get(tag));
  }

  /** A text without its padding; empty where it is absent. */
  String text(int tag) {
    Value value = values.get(tag);
    return value == null
        ? ""
        : new String(file, value.offset(), value.length(), StandardCharsets.ISO_8859_1)
            .replace('\0', ' ')
            .strip();
  }

  /** The first number of a decimal string; empty where it is absent or no finite number. */
  Optional<Double> decimal(int tag) {
    String first = text(tag).split("\\\\", -1)[0].strip();
    try {
      double number = Double.parseDouble(first);
      return Double.isFinite(number) ? Optional.of(number) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** The unsigned 16-bit number at {@code index} of a value, in this file's byte order. */
  int word(Value value, int index) {
    return in.getShort(value.offset() + 2 * index) & 0xFFFF;
  }

  /** An unsigned 16-bit number that a picture cannot be without. */
  int required(int tag, String name) {
    return number(tag)
        .orElseThrow(() ->
            new ImageRefused(CORRUPT, image, "the DICOM file has no " + name + " " + show(tag)));
  }

  /** An unsigned 16-bit number. */
  Optional<Integer> number(int tag) {
    Value value = values.get(tag);
    if (value == null) {
      return Optional.empty();
    }
    if (value.length() != 2) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "DICOM element %s should hold one number of 2 bytes, it has %d bytes"
              .formatted(show(tag), value.length()));
    }
    return Optional.of(word(value, 0));
  }

  static String show(int tag) {
    return "(%04X,%04X)".formatted(tag >>> 16, tag & 0xFFFF);
  }

  private Element header(TransferSyntax.Native syntax, int end) {
    int at = in.position();
    need(8, end, "the header of an element");
    int tag = in.getShort() << 16 | (in.getShort() & 0xFFFF);
    String vr = "";
    long length;
    if (syntax.explicitVr() && tag >>> 16 != 0xFFFE) {
      vr = "" + (char) in.get() + (char) in.get();
      switch (vr) {
        case "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UN", "UC", "UR", "UT", "SV", "UV" -> {
          need(6, end, "the length of element " + show(tag));
          in.getShort();
          length = in.getInt() & 0xFFFF_FFFFL;
        }
        case "AE",
            "AS",
            "AT",
            "CS",
            "DA",
            "DS",
            "DT",
            "FL",
            "FD",
            "IS",
            "LO",
            "LT",
            "PN",
            "SH",
            "SL",
            "SS",
            "ST",
            "TM",
            "UI",
            "UL",
            "US" ->
            length = in.getShort() & 0xFFFF;
        default ->
            throw new ImageRefused(
                CORRUPT,
                image,
                "DICOM element %s at byte %d has no value representation, found bytes %02X %02X"
                    .formatted(show(tag), at, in.get(at + 4), in.get(at + 5)));
      }
    } else {
      length = in.getInt() & 0xFFFF_FFFFL;
    }
    var element = new Element(tag, vr, in.position(), length);
    if (!element.undefined()) {
      need(length, end, length + " bytes of element " + show(tag));
    }
    return element;
  }

  private void need(long bytes, int end, String what) {
    if (bytes > end - in.position()) {
      throw new ImageRefused(
          TRUNCATED,
          image,
          "the DICOM file ends %s byte %d, before %s: copy the file again"
              .formatted(end == in.capacity() ? "at" : "an item at", end, what));
    }
  }

  /** Keeps or steps over the element whose header was just read. */
  private void take(Element element, TransferSyntax.Native syntax, int end, int depth) {
    int tag = element.tag();
    if (tag == PIXEL_DATA && element.undefined() && depth == 0) {
      values.putIfAbsent(tag, new Value(element.vr(), element.offset(), ENCAPSULATED));
      return; // they are the last element that is read
    }
    boolean lut = depth == 0 && (tag == MODALITY_LUT || tag == VOI_LUT);
    if (element.undefined()) {
      // PS3.5 6.2.2: a value of VR UN with undefined length is an implicit VR sequence.
      items(
          element,
          element.vr().equals("UN") ? TransferSyntax.IMPLICIT_LITTLE : syntax,
          end,
          depth,
          lut);
    } else if (lut) {
      items(element, syntax, element.offset() + (int) element.length(), depth, true);
    } else {
      if (KEPT.contains(tag) && element.length() > 0) {
        values.putIfAbsent(tag, new Value(element.vr(), element.offset(), (int) element.length()));
      }
      in.position(element.offset() + (int) element.length());
    }
  }

  private void items(
      Element sequence, TransferSyntax.Native syntax, int end, int depth, boolean keepFirst) {
    if (depth == DEEPEST) {
      throw new ImageRefused(
          CORRUPT, image, "DICOM sequences are nested deeper than " + DEEPEST + " levels");
    }
    while (sequence.undefined() || in.position() < end) {
      Element item = header(syntax, end);
      if (item.tag() == SEQUENCE_END && sequence.undefined()) {
        return;
      }
      if (item.tag() != ITEM) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "sequence %s holds %s at byte %d, expected an item (FFFE,E000)"
                .formatted(show(sequence.tag()), show(item.tag()), item.offset() - 8));
      }
      boolean keep = keepFirst && !firstItems.containsKey(sequence.tag());
      if (!item.undefined() && !keep) {
        in.position(item.offset() + (int) item.length());
        continue;
      }
      int itemEnd = item.undefined() ? end : item.offset() + (int) item.length();
      DicomDataSet content = new DicomDataSet(image, file, in);
      while (item.undefined() || in.position() < itemEnd) {
        Element element = content.header(syntax, itemEnd);
        if (element.tag() == ITEM_END && item.undefined()) {
          break;
        }
        content.take(element, syntax, itemEnd, depth + 1);
      }
      if (keep) {
        firstItems.put(sequence.tag(), content);
      }
    }
  }
}
