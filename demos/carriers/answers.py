"""What webhooks are answered with: where to connect the call's sound, what follows after, and "busy". Pure text."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape, quoteattr

XML = "application/xml"
JSON = "application/json"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def twilio_connect(media: str, ticket: str, after: str) -> str:
    """TwiML that connects the call both ways and, once the stream is over, asks `after` what to do.

    Args:
        media: wss:// address of the media connection.
        ticket: goes along as a parameter: Twilio drops a query from the address.
        after: https:// address that `twilio_after` answers.
    """
    stream = f'<Stream url={quoteattr(media)}><Parameter name="ticket" value={quoteattr(ticket)}/></Stream>'
    return f"{HEAD}<Response><Connect action={quoteattr(after)}>{stream}</Connect></Response>"


def twilio_person(number: str, summary: str) -> str:
    """TwiML that transfers to a person; `summary` is the address of what the person hears before the two are joined."""
    return (
        f'{HEAD}<Response><Dial answerOnBridge="true"><Number url={quoteattr(summary)}>'
        f"{escape(number)}</Number></Dial></Response>"
    )


def say(words: str) -> str:
    """TwiML (TeXML) that says words."""
    return f"{HEAD}<Response><Say>{escape(words)}</Say></Response>"


def person(number: str) -> str:
    """TwiML (TeXML) that transfers to a person."""
    return f"{HEAD}<Response><Dial>{escape(number)}</Dial></Response>"


def hang_up() -> str:
    """TwiML (TeXML, Plivo's XML) that ends the call."""
    return f"{HEAD}<Response><Hangup/></Response>"


def busy() -> str:
    """TwiML (TeXML) that turns a call away as busy, before it is answered and paid for."""
    return f'{HEAD}<Response><Reject reason="busy"/></Response>'


def telnyx_connect(media: str, after: str) -> str:
    """TeXML that connects the call both ways and then asks `after` what to do."""
    stream = f'<Stream url={quoteattr(media)} bidirectionalMode="rtp" bidirectionalCodec="PCMU"/>'
    return f"{HEAD}<Response><Connect>{stream}</Connect><Redirect>{escape(after)}</Redirect></Response>"


def plivo_connect(media: str) -> str:
    """Plivo's XML that connects the call both ways."""
    form = 'bidirectional="true" keepCallAlive="true" contentType="audio/x-mulaw;rate=8000"'
    return f"{HEAD}<Response><Stream {form}>{escape(media)}</Stream></Response>"


def vonage_connect(media: str) -> str:
    """Vonage's call control object that connects the call both ways."""
    endpoint = {"type": "websocket", "uri": media, "content-type": "audio/l16;rate=16000"}
    return json.dumps([{"action": "connect", "endpoint": [endpoint]}])


def vonage_busy() -> str:
    """Vonage's call control object that turns a call away."""
    return json.dumps([{"action": "talk", "text": "All lines are busy. Please call again in a few minutes."}])


def exotel_connect(media: str) -> str:
    """What Exotel's Voicebot applet expects of a dynamic address."""
    return json.dumps({"url": media})
