package org.radialog.data;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.radialog.clinical.ReportSections.Section;

/**
 * One {@code eCitation} of the Indiana University collection.
 *
 * @param uid {@code uId/@id}, for example {@code CXR1}
 * @param sections {@code AbstractText} by lower-case {@code Label}, unchanged
 * @param mesh {@code MeSH/major}: the manually assigned codes
 * @param automatic {@code MeSH/automatic}: the automatically assigned codes
 * @param images {@code parentImage/@id}
 * @param caption the caption of the first image, which describes the examination
 */
record IuXrayReport(
    String uid,
    List<Section> sections,
    List<String> mesh,
    List<String> automatic,
    List<String> images,
    String caption) {
  private static final XMLInputFactory XML = factory();

  // A report must not refer to other files: document types and external entities are not read.
  private static XMLInputFactory factory() {
    XMLInputFactory xml = XMLInputFactory.newDefaultFactory();
    xml.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    xml.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    xml.setProperty(XMLInputFactory.IS_COALESCING, true);
    return xml;
  }

  /**
   * Reads one file.
   *
   * @throws XMLStreamException if it is not a well-formed eCitation with an id
   */
  static IuXrayReport parse(byte[] file) throws XMLStreamException {
    XMLStreamReader in = XML.createXMLStreamReader(new ByteArrayInputStream(file));
    try {
      return parse(in);
    } finally {
      in.close();
    }
  }

  private static IuXrayReport parse(XMLStreamReader in) throws XMLStreamException {
    String uid = "";
    var sections = new ArrayList<Section>();
    var mesh = new ArrayList<String>();
    var automatic = new ArrayList<String>();
    var images = new ArrayList<String>();
    String caption = "";
    boolean root = true;
    while (in.hasNext()) {
      int event = in.next();
      if (event == XMLStreamConstants.DTD) {
        throw new XMLStreamException("a report must not have a document type", in.getLocation());
      }
      if (event != XMLStreamConstants.START_ELEMENT) {
        continue;
      }
      String element = in.getLocalName();
      if (root && !element.equals("eCitation")) {
        throw new XMLStreamException("expected an eCitation, found " + element, in.getLocation());
      }
      root = false;
      switch (element) {
        case "uId" -> uid = attribute(in, "id");
        case "AbstractText" -> {
          String name = attribute(in, "Label").toLowerCase(Locale.ROOT);
          sections.add(new Section(name, text(in)));
        }
        case "major" -> mesh.add(text(in));
        case "automatic" -> automatic.add(text(in));
        case "parentImage" -> images.add(attribute(in, "id"));
        case "caption" -> {
          String text = text(in).strip();
          caption = caption.isEmpty() ? text : caption;
        }
        default -> {
          // The remaining elements are bibliography and image features.
        }
      }
    }
    if (uid.isBlank()) {
      throw new XMLStreamException("expected an element uId with an id, found none");
    }
    return new IuXrayReport(uid, sections, mesh, automatic, images, caption);
  }

  private static String attribute(XMLStreamReader in, String name) {
    String value = in.getAttributeValue(null, name);
    return value == null ? "" : value;
  }

  // All text below the element, ignoring mark-up.
  private static String text(XMLStreamReader in) throws XMLStreamException {
    var text = new StringBuilder();
    int depth = 1;
    while (depth > 0) {
      switch (in.next()) {
        case XMLStreamConstants.START_ELEMENT -> depth++;
        case XMLStreamConstants.END_ELEMENT -> depth--;
        case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE ->
            text.append(in.getText());
        case XMLStreamConstants.ENTITY_REFERENCE ->
            throw new XMLStreamException(
                "the entity &" + in.getLocalName() + "; is not defined", in.getLocation());
        default -> {
          // Comments and processing instructions are not text.
        }
      }
    }
    return text.toString();
  }
}
