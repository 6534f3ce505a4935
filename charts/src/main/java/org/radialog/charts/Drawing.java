package org.radialog.charts;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/**
 * A picture of lines, marks and texts. It is written as PNG, or as SVG with real text and colours
 * that follow the light or dark colour scheme of the reader.
 *
 * <p>A chart library is not used, because the available one supports neither rows of intervals nor
 * a dark scheme, and needs a further library for SVG.
 */
public final class Drawing {
  private static final int PIXELS = 2; // pixels per unit in a PNG
  private static final double MARGIN = 16;
  private static final double FOOT = 20;
  private static final int[] PAGE = {0xffffff, 0x161e26};

  /** The role of a colour, with its light and dark variants. */
  public enum Ink {
    INK(0x16202a, 0xe6edf3),
    QUIET(0x5d6b78, 0x9aa8b5),
    GRID(0xdbe2e8, 0x2a3641),
    FIRST(0x1f5fa8, 0x6cb0f5),
    SECOND(0xc2410c, 0xfb923c),
    THIRD(0x0f766e, 0x2dd4bf),
    FOURTH(0x7e3fa8, 0xc99bf0),
    FIFTH(0x8a6d00, 0xe3c44c),
    SIXTH(0xa8325f, 0xf58ab5);

    private final int light;
    private final int dark;

    Ink(int light, int dark) {
      this.light = light;
      this.dark = dark;
    }

    /** The colour of a system, by its index in the evaluation. */
    public static Ink of(int system) {
      return SYSTEMS.get(system % SYSTEMS.size());
    }

    private String css() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final List<Ink> SYSTEMS =
      List.of(Ink.FIRST, Ink.SECOND, Ink.THIRD, Ink.FOURTH, Ink.FIFTH, Ink.SIXTH);

  /** The part of a text that is placed at its coordinates. */
  public enum Anchor {
    START,
    MIDDLE,
    END
  }

  /** An element of the picture. */
  public sealed interface Shape {}

  /** A straight line between two points, in units of the picture, whose y axis points down. */
  public record Line(
      double x1, double y1, double x2, double y2, Ink ink, double width, boolean dashed)
      implements Shape {}

  /** Straight lines between successive points {x, y}, in units of the picture. */
  public record Trace(List<double[]> points, Ink ink, double width) implements Shape {
    /** Copies the list. */
    public Trace {
      points = List.copyOf(points);
    }
  }

  /** A mark of a system, which is identified by colour and shape. */
  public record Mark(double x, double y, double radius, int system, boolean filled)
      implements Shape {}

  /** A single line of text; {@code anchor} is the part of it at (x, y). */
  public record Text(
      double x, double y, String text, Ink ink, double size, boolean bold, Anchor anchor)
      implements Shape {}

  private final String title;
  private final String foot;
  private final double width;
  private final double height;
  private final List<Shape> shapes = new ArrayList<>();

  /**
   * Creates an empty picture.
   *
   * @param title alternative text for screen readers
   * @param foot line below the picture when it is a separate file
   */
  public Drawing(String title, String foot, double width, double height) {
    this.title = title;
    this.foot = foot;
    this.width = width;
    this.height = height;
  }

  /** Adds an element above those that are there. */
  public void add(Shape shape) {
    shapes.add(shape);
  }

  /** The picture as a separate file, with a margin and the foot line. */
  public String svg() {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        + open(MARGIN, FOOT)
        + "<style>"
        + darkStyle()
        + "</style>\n<rect class=\"page\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>\n"
            .formatted(
                n(-MARGIN),
                n(-MARGIN),
                n(width + 2 * MARGIN),
                n(height + 2 * MARGIN + FOOT),
                hex(PAGE[0]))
        + shapes.stream().map(Drawing::element).collect(Collectors.joining())
        + element(footLine())
        + "</svg>\n";
  }

  /** The picture as part of a page whose styles include {@link #darkStyle()}. */
  public String inline() {
    return open(0, 0)
        + shapes.stream().map(Drawing::element).collect(Collectors.joining())
        + "</svg>";
  }

  private Text footLine() {
    return new Text(0, height + FOOT, foot, Ink.QUIET, 11, false, Anchor.START);
  }

  /**
   * The colours of the dark scheme; the colours of the light scheme are attributes of the shapes.
   */
  public static String darkStyle() {
    var style = new StringBuilder("@media (prefers-color-scheme: dark) {");
    style.append(" .page { fill: ").append(hex(PAGE[1])).append("; }");
    for (Ink ink : Ink.values()) {
      String colour = hex(ink.dark);
      style.append(
          " .f-%s { fill: %s; } .s-%s { stroke: %s; }"
              .formatted(ink.css(), colour, ink.css(), colour));
    }
    return style.append(" }").toString();
  }

  private String open(double margin, double below) {
    double wide = width + 2 * margin;
    double high = height + 2 * margin + below;
    return ("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%s\" height=\"%s\""
            + " viewBox=\"%s %s %s %s\" role=\"img\" aria-label=\"%s\""
            + " font-family=\"system-ui, sans-serif\">\n")
        .formatted(n(wide), n(high), n(-margin), n(-margin), n(wide), n(high), escaped(title));
  }

  private static String element(Shape shape) {
    return switch (shape) {
          case Line l ->
              "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" %s%s/>"
                  .formatted(
                      n(l.x1),
                      n(l.y1),
                      n(l.x2),
                      n(l.y2),
                      stroke(l.ink, l.width),
                      l.dashed ? " stroke-dasharray=\"4 4\"" : "");
          case Trace t ->
              "<polyline points=\"%s\" fill=\"none\" stroke-linejoin=\"round\" %s/>"
                  .formatted(points(t.points), stroke(t.ink, t.width));
          case Mark m -> mark(m);
          case Text t ->
              "<text x=\"%s\" y=\"%s\" font-size=\"%s\"%s%s %s>%s</text>"
                  .formatted(
                      n(t.x),
                      n(t.y),
                      n(t.size),
                      t.bold ? " font-weight=\"600\"" : "",
                      switch (t.anchor) {
                        case START -> "";
                        case MIDDLE -> " text-anchor=\"middle\"";
                        case END -> " text-anchor=\"end\"";
                      },
                      fill(t.ink),
                      escaped(t.text));
        }
        + "\n";
  }

  private static String points(List<double[]> points) {
    return points.stream().map(p -> n(p[0]) + "," + n(p[1])).collect(Collectors.joining(" "));
  }

  private static String mark(Mark m) {
    Ink ink = Ink.of(m.system);
    String paint = m.filled ? fill(ink) : "fill=\"none\" " + stroke(ink, 1.5);
    if (form(m.system) == 0) {
      return "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" %s/>"
          .formatted(n(m.x), n(m.y), n(m.radius), paint);
    }
    return "<polygon points=\"%s\" %s/>".formatted(points(List.of(corners(m))), paint);
  }

  // Circle, square, diamond, triangle: systems can be distinguished without colours.
  private static int form(int system) {
    return system % 4;
  }

  private static double[][] corners(Mark m) {
    double r = m.radius;
    return switch (form(m.system)) {
      case 1 -> {
        double s = .9 * r;
        yield new double[][] {
          {m.x - s, m.y - s}, {m.x + s, m.y - s}, {m.x + s, m.y + s}, {m.x - s, m.y + s}
        };
      }
      case 2 -> {
        double s = 1.25 * r;
        yield new double[][] {{m.x, m.y - s}, {m.x + s, m.y}, {m.x, m.y + s}, {m.x - s, m.y}};
      }
      default -> {
        double s = 1.2 * r;
        yield new double[][] {{m.x, m.y - s}, {m.x + s, m.y + .8 * s}, {m.x - s, m.y + .8 * s}};
      }
    };
  }

  private static String fill(Ink ink) {
    return "class=\"f-%s\" fill=\"%s\"".formatted(ink.css(), hex(ink.light));
  }

  private static String stroke(Ink ink, double width) {
    return "class=\"s-%s\" stroke=\"%s\" stroke-width=\"%s\""
        .formatted(ink.css(), hex(ink.light), n(width));
  }

  private static String hex(int rgb) {
    return String.format(Locale.ROOT, "#%06x", rgb);
  }

  private static String n(double value) {
    String text = String.format(Locale.ROOT, "%.2f", value);
    return text.replaceAll("\\.?0+$", "");
  }

  /**
   * A text escaped for elements and attributes; characters that XML forbids become replacement
   * characters.
   */
  public static String escaped(String text) {
    var escaped = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '<' -> escaped.append("&lt;");
            case '>' -> escaped.append("&gt;");
            case '&' -> escaped.append("&amp;");
            case '"' -> escaped.append("&quot;");
            case '\'' -> escaped.append("&#39;");
            default ->
                escaped.appendCodePoint(
                    c < 0x20 || c == 0xfffe || c == 0xffff || (c >= 0xd800 && c < 0xe000)
                        ? 0xfffd
                        : c);
          }
        });
    return escaped.toString();
  }

  /** The picture as a PNG image in the light scheme. */
  public byte[] png() {
    var image =
        new BufferedImage(
            (int) Math.ceil(PIXELS * (width + 2 * MARGIN)),
            (int) Math.ceil(PIXELS * (height + 2 * MARGIN + FOOT)),
            BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    try {
      g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      g.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      g.scale(PIXELS, PIXELS);
      g.setColor(new Color(PAGE[0]));
      g.fill(new Rectangle2D.Double(0, 0, width + 2 * MARGIN, height + 2 * MARGIN + FOOT));
      g.translate(MARGIN, MARGIN);
      shapes.forEach(shape -> paint(g, shape));
      paint(g, footLine());
    } finally {
      g.dispose();
    }
    var bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // writing to memory does not fail
    }
    return bytes.toByteArray();
  }

  private static void paint(Graphics2D g, Shape shape) {
    switch (shape) {
      case Line l -> {
        g.setColor(new Color(l.ink.light));
        g.setStroke(
            l.dashed
                ? new BasicStroke(
                    (float) l.width,
                    BasicStroke.CAP_BUTT,
                    BasicStroke.JOIN_ROUND,
                    1,
                    new float[] {4, 4},
                    0)
                : new BasicStroke((float) l.width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND));
        g.draw(new Line2D.Double(l.x1, l.y1, l.x2, l.y2));
      }
      case Trace t -> {
        g.setColor(new Color(t.ink.light));
        g.setStroke(new BasicStroke((float) t.width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND));
        g.draw(path(t.points, false));
      }
      case Mark m -> {
        g.setColor(new Color(Ink.of(m.system).light));
        g.setStroke(new BasicStroke(1.5f));
        java.awt.Shape form =
            form(m.system) == 0
                ? new Ellipse2D.Double(m.x - m.radius, m.y - m.radius, 2 * m.radius, 2 * m.radius)
                : path(List.of(corners(m)), true);
        if (m.filled) {
          g.fill(form);
        } else {
          g.draw(form);
        }
      }
      case Text t -> {
        g.setColor(new Color(t.ink.light));
        // a float size, because integer sizes would round to whole points
        g.setFont(
            new Font(Font.SANS_SERIF, t.bold ? Font.BOLD : Font.PLAIN, 1)
                .deriveFont((float) t.size));
        double wide = g.getFontMetrics().getStringBounds(t.text, g).getWidth();
        double x =
            switch (t.anchor) {
              case START -> t.x;
              case MIDDLE -> t.x - wide / 2;
              case END -> t.x - wide;
            };
        g.drawString(t.text, (float) x, (float) t.y);
      }
    }
  }

  private static Path2D path(List<double[]> points, boolean closed) {
    var path = new Path2D.Double();
    for (int i = 0; i < points.size(); i++) {
      if (i == 0) {
        path.moveTo(points.get(i)[0], points.get(i)[1]);
      } else {
        path.lineTo(points.get(i)[0], points.get(i)[1]);
      }
    }
    if (closed) {
      path.closePath();
    }
    return path;
  }
}
