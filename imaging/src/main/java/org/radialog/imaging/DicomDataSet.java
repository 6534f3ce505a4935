package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_LARGE;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.radialog.codecs.ImageRefused;

/**
 * The elements of a DICOM data set (PS3.5, section 7) that describe its image. All other elements
 * are skipped by their lengths, which never exceed the end of the file. The number of elements and
 * the depth of sequences are limited, and only elements {@linkplain #KEPT listed here} are kept.
 *
 * <p>If the bytes contradict the transfer syntax, the encoding is determined from the bytes: files
 * of several manufacturers contain whole data sets, single items or single elements in another
 * encoding.
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
  // A radiograph has a few hundred elements.
  private static final int MOST_ELEMENTS = 1_000_000;
  // By PS3.5, table 6.2-1, the texts and numbers that are kept have at most 64 characters.
  private static final int LONGEST_TEXT = 1024;
  private static final int LOOK_AHEAD = 3;

  private static final Set<String> LONG_VRS =
      Set.of("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV");
  private static final Set<String> SHORT_VRS =
      Set.of(
          "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL",
          "SS", "ST", "TM", "UI", "UL", "US");

  /**
   * The position of the value of an element; encapsulated pixel data have {@link #ENCAPSULATED}
   * bytes.
   */
  record Value(String vr, int offset, int length) {}

  static final int ENCAPSULATED = -1;

  private record Element(int tag, String vr, int offset, long length) {
    boolean undefined() {
      return length == UNDEFINED;
    }
  }

  /** The position in the file and the number of elements before it. */
  private static final class Walk {
    final ByteBuffer in;
    int elements;

    Walk(byte[] file) {
      in = ByteBuffer.wrap(file);
    }
  }

  private final String image;
  private final byte[] file;
  private final Walk walk;
  private final ByteBuffer in;
  private final ByteOrder order;
  private final Map<Integer, Value> values = new HashMap<>();
  private final Map<Integer, DicomDataSet> firstItems = new HashMap<>();

  private DicomDataSet(String image, byte[] file, Walk walk, ByteOrder order) {
    this.image = image;
    this.file = file;
    this.walk = walk;
    this.in = walk.in;
    this.order = order;
  }

  /** Elements of group 2 in explicit VR little endian (or implicit), starting at {@code start}. */
  static DicomDataSet meta(String image, byte[] file, int start) {
    var syntax = TransferSyntax.EXPLICIT_LITTLE;
    var set = new DicomDataSet(image, file, new Walk(file), syntax.order());
    set.in.position(start);
    while (set.in.remaining() >= 8
        && file[set.in.position()] == 2
        && file[set.in.position() + 1] == 0) {
      set.take(set.header(syntax, file.length), syntax, file.length, 0);
    }
    return set;
  }

  /**
   * The main data set up to and including its pixel data, in the declared encoding or, if its first
   * elements are invalid in that encoding, in the one in which they are valid.
   */
  static DicomDataSet main(String image, byte[] file, int start, TransferSyntax.Native declared) {
    var walk = new Walk(file);
    TransferSyntax.Native syntax = encoding(walk.in, start, file.length, declared);
    var set = new DicomDataSet(image, file, walk, syntax.order());
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

  /** The byte order of numbers in this data set. */
  ByteOrder order() {
    return order;
  }

  /** The position after the last element that was read. */
  int position() {
    return in.position();
  }

  /** Whether the file contains a value of at least one byte. */
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

  /**
   * A text without its padding; empty if it is absent.
   *
   * @throws ImageRefused if it is longer than any text in the header of an image
   */
  String text(int tag) {
    Value value = values.get(tag);
    if (value == null) {
      return "";
    }
    if (value.length() > LONGEST_TEXT) {
      throw new ImageRefused(
          TOO_LARGE,
          image,
          "DICOM element %s holds a text of %d bytes, the limit is %d"
              .formatted(show(tag), value.length(), LONGEST_TEXT));
    }
    return text(value.offset(), value.length());
  }

  private String text(int offset, int length) {
    return new String(file, offset, length, StandardCharsets.ISO_8859_1).replace('\0', ' ').strip();
  }

  /**
   * The first number of an element, which is a decimal string or binary depending on its value
   * representation; empty if it is absent or not finite.
   *
   * @throws ImageRefused if it has more digits than any number in the header of an image
   */
  Optional<Double> decimal(int tag) {
    Value value = values.get(tag);
    if (value == null) {
      return Optional.empty();
    }
    ByteBuffer bytes = ByteBuffer.wrap(file, value.offset(), value.length()).slice().order(order);
    int size = value.length();
    double number =
        switch (value.vr()) {
          case "FL" -> size >= 4 ? bytes.getFloat(0) : Double.NaN;
          case "FD" -> size >= 8 ? bytes.getDouble(0) : Double.NaN;
          case "SS" -> size >= 2 ? bytes.getShort(0) : Double.NaN;
          case "US" -> size >= 2 ? bytes.getShort(0) & 0xFFFF : Double.NaN;
          case "SL" -> size >= 4 ? bytes.getInt(0) : Double.NaN;
          case "UL" -> size >= 4 ? bytes.getInt(0) & 0xFFFF_FFFFL : Double.NaN;
          default -> decimalText(tag, value);
        };
    return Double.isFinite(number) ? Optional.of(number) : Optional.empty();
  }

  /** Only the first number is read, however many follow. */
  private double decimalText(int tag, Value value) {
    int length = 0;
    while (length < value.length() && file[value.offset() + length] != '\\') {
      if (++length > LONGEST_TEXT) {
        throw new ImageRefused(
            TOO_LARGE,
            image,
            "DICOM element %s holds a number of more than %d digits, the limit"
                .formatted(show(tag), LONGEST_TEXT));
      }
    }
    try {
      return Double.parseDouble(text(value.offset(), length));
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  /** The unsigned 16-bit number at {@code index} of a value, in the byte order of this data set. */
  int word(Value value, int index) {
    int at = value.offset() + 2 * index;
    int first = file[at] & 0xFF;
    int second = file[at + 1] & 0xFF;
    return order == ByteOrder.BIG_ENDIAN ? first << 8 | second : second << 8 | first;
  }

  /** An unsigned 16-bit number that every image must have. */
  int required(int tag, String name) {
    return number(tag)
        .orElseThrow(() ->
            new ImageRefused(CORRUPT, image, "the DICOM file has no " + name + " " + show(tag)));
  }

  /**
   * A 16-bit number, the first if there are several. By the standard it has two bytes; some writers
   * use a byte, the low half of four bytes, or a text.
   *
   * @throws ImageRefused if it is none of these
   */
  Optional<Integer> number(int tag) {
    Value value = values.get(tag);
    if (value == null) {
      return Optional.empty();
    }
    return switch (value.vr()) {
      case "SL", "UL" -> {
        if (value.length() % 4 != 0) {
          throw noNumber(tag, value);
        }
        yield Optional.of(word(value, order == ByteOrder.BIG_ENDIAN ? 1 : 0));
      }
      case "DS", "IS" -> {
        double number = decimalText(tag, value);
        if (number != Math.rint(number) || number < Short.MIN_VALUE || number > 0xFFFF) {
          throw noNumber(tag, value);
        }
        yield Optional.of((int) number & 0xFFFF);
      }
      default -> {
        if (value.length() == 1) {
          yield Optional.of(file[value.offset()] & 0xFF);
        }
        if (value.length() % 2 != 0) {
          throw noNumber(tag, value);
        }
        yield Optional.of(word(value, 0));
      }
    };
  }

  private ImageRefused noNumber(int tag, Value value) {
    return new ImageRefused(
        CORRUPT,
        image,
        "DICOM element %s should hold one number of 2 bytes, it has %d bytes"
            .formatted(show(tag), value.length()));
  }

  static String show(int tag) {
    return "(%04X,%04X)".formatted(tag >>> 16, tag & 0xFFFF);
  }

  /**
   * The encoding in which the elements from {@code start} on are valid: the declared one if it
   * fits, or if none fits.
   */
  private static TransferSyntax.Native encoding(
      ByteBuffer in, int start, int end, TransferSyntax.Native declared) {
    if (makesSense(in, start, end, declared)) {
      return declared;
    }
    return List.of(
            TransferSyntax.EXPLICIT_LITTLE,
            TransferSyntax.IMPLICIT_LITTLE,
            TransferSyntax.EXPLICIT_BIG)
        .stream()
        .filter(other -> makesSense(in, start, end, other))
        .findFirst()
        .orElse(declared);
  }

  /** Whether the next elements have value representations, ascending tags and lengths that fit. */
  private static boolean makesSense(
      ByteBuffer in, int start, int end, TransferSyntax.Native syntax) {
    ByteBuffer bytes = in.duplicate().order(syntax.order());
    int last = 0;
    long at = start;
    for (int i = 0; i < LOOK_AHEAD && at < end; i++) {
      if (end - at < 8) {
        return false;
      }
      int place = (int) at;
      int tag = tag(bytes, place);
      if (tag == ITEM_END || tag == SEQUENCE_END) {
        return true;
      }
      if (Integer.compareUnsigned(tag, last) <= 0) {
        return false;
      }
      last = tag;
      long length = bytes.getInt(place + 4) & 0xFFFF_FFFFL;
      at += 8;
      if (syntax.explicitVr()) {
        String vr = vr(bytes, place + 4);
        length = bytes.getShort(place + 6) & 0xFFFF;
        if (LONG_VRS.contains(vr)) {
          if (end - at < 4) {
            return false;
          }
          length = bytes.getInt(place + 8) & 0xFFFF_FFFFL;
          at += 4;
        } else if (!SHORT_VRS.contains(vr)) {
          return false;
        }
      }
      if (length == UNDEFINED) {
        return true;
      }
      at += length;
    }
    return at <= end;
  }

  private static int tag(ByteBuffer bytes, int at) {
    return bytes.getShort(at) << 16 | (bytes.getShort(at + 2) & 0xFFFF);
  }

  private static String vr(ByteBuffer bytes, int at) {
    return "" + (char) (bytes.get(at) & 0xFF) + (char) (bytes.get(at + 1) & 0xFF);
  }

  private Element header(TransferSyntax.Native syntax, int end) {
    if (++walk.elements > MOST_ELEMENTS) {
      throw new ImageRefused(
          TOO_LARGE, image, "more than %d DICOM elements, the limit".formatted(MOST_ELEMENTS));
    }
    in.order(syntax.order());
    int at = in.position();
    need(8, end, "the header of an element");
    int tag = tag(in, at);
    String vr = syntax.explicitVr() && tag >>> 16 != 0xFFFE ? vr(in, at + 4) : "";
    Element element;
    if (vr.isEmpty()) {
      element = new Element(tag, vr, at + 8, in.getInt(at + 4) & 0xFFFF_FFFFL);
    } else if (SHORT_VRS.contains(vr)) {
      element = new Element(tag, vr, at + 8, in.getShort(at + 6) & 0xFFFF);
    } else if (LONG_VRS.contains(vr)) {
      need(12, end, "the length of element " + show(tag));
      element = new Element(tag, vr, at + 12, in.getInt(at + 8) & 0xFFFF_FFFFL);
    } else {
      element = foreign(tag, vr, at, end);
    }
    in.position(element.offset());
    if (!element.undefined()) {
      need(element.length(), end, element.length() + " bytes of element " + show(tag));
    }
    return element;
  }

  /**
   * An element in explicit encoding without a value representation of the standard. It may have a
   * value representation of a later standard, whose length has four bytes (PS3.5, 7.1.2), or an
   * invented one such as {@code ??}, whose length has two, or the element may be in implicit
   * encoding. The interpretation that allows the next element to be parsed is used.
   */
  private Element foreign(int tag, String vr, int at, int end) {
    boolean letters = vr.chars().allMatch(c -> c >= 'A' && c <= 'Z');
    if (letters && end - at >= 12 && in.getShort(at + 6) == 0) {
      var later = new Element(tag, "UN", at + 12, in.getInt(at + 8) & 0xFFFF_FFFFL);
      if (isFollowed(later, end)) {
        return later;
      }
    }
    var madeUp = new Element(tag, vr, at + 8, in.getShort(at + 6) & 0xFFFF);
    var implicit = new Element(tag, "", at + 8, in.getInt(at + 4) & 0xFFFF_FFFFL);
    boolean readable = vr.chars().allMatch(c -> c >= ' ' && c <= '~');
    for (Element other : readable ? List.of(madeUp, implicit) : List.of(implicit, madeUp)) {
      if (other.undefined() || isFollowed(other, end)) {
        return other;
      }
    }
    throw new ImageRefused(
        CORRUPT,
        image,
        "DICOM element %s at byte %d has no value representation, found bytes %02X %02X"
            .formatted(show(tag), at, in.get(at + 4), in.get(at + 5)));
  }

  private boolean isFollowed(Element element, int end) {
    long next = element.offset() + element.length();
    return next == end
        || (next <= end - 8 && Integer.compareUnsigned(tag(in, (int) next), element.tag()) > 0);
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

  /** Keeps or skips the element whose header was just read. */
  private void take(Element element, TransferSyntax.Native syntax, int end, int depth) {
    int tag = element.tag();
    if (tag == PIXEL_DATA && element.undefined() && depth == 0) {
      values.putIfAbsent(tag, new Value(element.vr(), element.offset(), ENCAPSULATED));
      return; // pixel data are the last element that is read
    }
    boolean lut = depth == 0 && (tag == MODALITY_LUT || tag == VOI_LUT);
    if (element.undefined() || lut) {
      // PS3.5 6.2.2: the items of a sequence with VR UN are in implicit encoding, little endian.
      items(
          element,
          element.vr().equals("UN") ? TransferSyntax.IMPLICIT_LITTLE : syntax,
          element.undefined() ? end : element.offset() + (int) element.length(),
          depth,
          lut);
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
      TransferSyntax.Native inside = encoding(in, item.offset(), itemEnd, syntax);
      DicomDataSet content = new DicomDataSet(image, file, walk, inside.order());
      while (item.undefined() || in.position() < itemEnd) {
        Element element = content.header(inside, itemEnd);
        if (element.tag() == ITEM_END && item.undefined()) {
          break;
        }
        content.take(element, inside, itemEnd, depth + 1);
      }
      if (keep) {
        firstItems.put(sequence.tag(), content);
      }
    }
  }
}
