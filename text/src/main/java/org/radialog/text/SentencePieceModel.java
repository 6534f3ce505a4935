package org.radialog.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;

/**
 * The pieces of a SentencePiece BPE model, from the parts of its protobuf ({@code
 * sentencepiece_model.proto}) that a LLaMA tokenizer uses, or from another file with the same
 * vocabulary. The file is treated as hostile: lengths are checked against the remaining bytes, and
 * other types of model are refused by name.
 *
 * @param name of the file, for error messages
 * @param pieces by id
 * @param rules the merges, in order of priority; empty if they follow from the scores
 */
record SentencePieceModel(String name, List<Piece> pieces, Optional<List<Merge>> rules) {
  /** The type of a piece, with the numbers used in the file. */
  enum Kind {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE
  }

  /** One piece; its index is its id, and a higher score is merged earlier. */
  record Piece(String text, float score, Kind kind) {}

  /** Two adjacent pieces that are merged. */
  record Merge(String left, String right) {}

  private static final long LARGEST_FILE = 64 << 20;
  private static final int BPE = 2;
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  SentencePieceModel {
    pieces = List.copyOf(pieces);
    rules = rules.map(List::copyOf);
    if (pieces.isEmpty()) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          name + ": expected the pieces of a SentencePiece model, found none");
    }
    for (Piece piece : pieces) {
      if (piece.kind() == Kind.BYTE && !BYTE.matcher(piece.text()).matches()) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS,
            name + ": expected a byte such as <0x0A>, found the piece \"" + piece.text() + "\"");
      }
    }
  }

  /** A model whose merges follow from the scores of its pieces. */
  static SentencePieceModel of(String name, List<Piece> pieces) {
    return new SentencePieceModel(name, pieces, Optional.empty());
  }

  /** The merges in order of priority. */
  List<Merge> merges() {
    return rules.orElseGet(this::byScore);
  }

  private record Scored(Merge merge, float score) {}

  // Two pieces are merged if their concatenation is a piece, the highest score first.
  private List<Merge> byScore() {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.putIfAbsent(pieces.get(id).text(), id);
    }
    List<Scored> merges = new ArrayList<>();
    for (Piece piece : pieces) {
      String text = piece.text();
      if (piece.kind() != Kind.NORMAL && piece.kind() != Kind.USER_DEFINED) {
        continue;
      }
      IntStream.range(1, text.length())
          .mapToObj(cut -> new Merge(text.substring(0, cut), text.substring(cut)))
          .filter(m -> ids.containsKey(m.left) && ids.containsKey(m.right))
          .sorted(
              Comparator.comparingInt((Merge m) -> ids.getOrDefault(m.left, -1))
                  .thenComparingInt(m -> ids.getOrDefault(m.right, -1)))
          .forEach(m -> merges.add(new Scored(m, piece.score())));
    }
    merges.sort(
        Comparator.comparingDouble(Scored::score)
            .thenComparingInt(m -> m.merge.left.length())
            .thenComparingInt(m -> m.merge.right.length())
            .reversed());
    return merges.stream().map(Scored::merge).toList();
  }

  static SentencePieceModel read(Path file) {
    try {
      long size = Files.size(file);
      if (size > LARGEST_FILE) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS,
            file + ": expected a tokenizer.model of at most 64 MiB, found " + size + " bytes");
      }
      return of(file.toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
    }
  }

  static SentencePieceModel of(String name, byte[] bytes) {
    List<Piece> pieces = new ArrayList<>();
    Fields model = new Fields(name, bytes, 0, bytes.length);
    while (model.next()) {
      switch (model.number) {
        case 1 -> pieces.add(piece(model.message()));
        case 2 -> checkTrainer(name, model.message());
        case 3 -> checkNormalizer(name, model.message());
        default -> model.skip();
      }
    }
    return of(name, pieces);
  }

  private static Piece piece(Fields fields) {
    String text = "";
    float score = 0;
    Kind kind = Kind.NORMAL;
    while (fields.next()) {
      switch (fields.number) {
        case 1 -> text = fields.text();
        case 2 -> score = Float.intBitsToFloat(fields.fixed32());
        case 3 -> {
          long number = fields.varint();
          if (number < 1 || number > Kind.values().length) {
            throw fields.damaged("a piece of the unknown kind " + number);
          }
          kind = Kind.values()[(int) number - 1];
        }
        default -> fields.skip();
      }
    }
    return new Piece(text, score, kind);
  }

  private static void checkTrainer(String name, Fields fields) {
    long type = 1; // the default: unigram
    while (fields.next()) {
      if (fields.number == 3) {
        type = fields.varint();
      } else {
        fields.skip();
      }
    }
    if (type != BPE) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          name + ": expected a SentencePiece model of the type BPE (2), found type " + type);
    }
  }

  private static void checkNormalizer(String name, Fields fields) {
    boolean rules = false;
    boolean removesSpaces = true; // the default
    while (fields.next()) {
      switch (fields.number) {
        case 2 -> rules = fields.message().length() > 0;
        case 4 -> removesSpaces = fields.varint() != 0;
        default -> fields.skip();
      }
    }
    if (rules || removesSpaces) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          name
              + ": expected a SentencePiece model that changes no characters and keeps all"
              + " spaces, as that of LLaMA; this one "
              + (rules ? "has character normalisation rules" : "removes spaces"));
    }
  }

  /** The fields of one message, one after the other. */
  private static final class Fields {
    private final String name;
    private final byte[] bytes;
    private final int end;
    private int at;
    private int number;
    private int wire;

    Fields(String name, byte[] bytes, int from, int end) {
      this.name = name;
      this.bytes = bytes;
      this.at = from;
      this.end = end;
    }

    int length() {
      return end - at;
    }

    boolean next() {
      if (at == end) {
        return false;
      }
      long key = varint();
      number = (int) Math.min(key >>> 3, Integer.MAX_VALUE);
      wire = (int) (key & 7);
      return true;
    }

    long varint() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at == end) {
          throw damaged("an unterminated number");
        }
        byte b = bytes[at++];
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw damaged("a number of more than 64 bits");
    }

    int fixed32() {
      int from = take(4);
      return (bytes[from] & 0xff)
          | (bytes[from + 1] & 0xff) << 8
          | (bytes[from + 2] & 0xff) << 16
          | (bytes[from + 3] & 0xff) << 24;
    }

    Fields message() {
      if (wire != 2) {
        throw damaged("field " + number + " of wire type " + wire + " instead of a message");
      }
      int length = Math.clamp(varint(), -1, Integer.MAX_VALUE);
      int from = take(length);
      return new Fields(name, bytes, from, from + length);
    }

    String text() {
      Fields part = message();
      return new String(bytes, part.at, part.length(), StandardCharsets.UTF_8);
    }

    void skip() {
      switch (wire) {
        case 0 -> varint();
        case 1 -> take(8);
        case 2 -> message();
        case 5 -> take(4);
        default -> throw damaged("a field of wire type " + wire);
      }
    }

    private int take(int count) {
      if (count < 0 || count > end - at) {
        throw damaged(count + " bytes where " + (end - at) + " are left");
      }
      int from = at;
      at += count;
      return from;
    }

    RadialogException damaged(String found) {
      return new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          name
              + ": expected a SentencePiece tokenizer.model, found "
              + found
              + "; is it complete?");
    }
  }
}
