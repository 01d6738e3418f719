"""Phrases that recognisers trained on subtitles write where nobody speaks.

What they have in common is known from many reports: greetings and thanks of video makers, credits of subtitlers.
Each is written as `modalities.speech.guards.plain` makes it: lower case, no marks.
"""

from __future__ import annotations

PHANTOMS: dict[str, frozenset[str]] = {
    "en": frozenset(
        {
            "thanks for watching",
            "thank you for watching",
            "thank you so much for watching",
            "thank you very much for watching",
            "thanks for watching and see you next time",
            "thanks for listening",
            "please subscribe",
            "please subscribe to my channel",
            "please like and subscribe",
            "don't forget to like and subscribe",
            "like and subscribe",
            "i'll see you in the next video",
            "see you in the next video",
            "see you next time",
            "subtitles by the amara.org community",
            "subtitles by amara.org",
            "transcribed by otter.ai",
            "transcription by castingwords",
            "translated by",
            "music",
            "applause",
            "silence",
        }
    ),
    "de": frozenset(
        {
            "vielen dank fürs zuschauen",
            "danke fürs zuschauen",
            "untertitel der amara.org community",
            "untertitel von der amara.org community",
            "untertitelung des zdf 2020",
            "untertitel im auftrag des zdf",
            "bis zum nächsten mal",
            "musik",
        }
    ),
    "fr": frozenset(
        {
            "merci d'avoir regardé cette vidéo",
            "merci d'avoir regardé",
            "abonnez vous",
            "n'oubliez pas de vous abonner",
            "sous titres réalisés par la communauté d'amara.org",
            "sous titrage st 501",
            "sous titrage société radio canada",
            "à bientôt pour une nouvelle vidéo",
            "musique",
        }
    ),
    "es": frozenset(
        {
            "gracias por ver el video",
            "gracias por ver el vídeo",
            "suscríbete al canal",
            "no olvides suscribirte",
            "subtítulos realizados por la comunidad de amara.org",
            "hasta la próxima",
            "música",
        }
    ),
    "it": frozenset(
        {
            "grazie per la visione",
            "grazie per aver guardato il video",
            "iscriviti al canale",
            "sottotitoli creati dalla comunità amara.org",
            "sottotitoli a cura di qtss",
            "musica",
        }
    ),
    "pt": frozenset(
        {
            "obrigado por assistir",
            "inscreva se no canal",
            "legendas pela comunidade amara.org",
            "até o próximo vídeo",
            "música",
        }
    ),
    "nl": frozenset(
        {"bedankt voor het kijken", "ondertitels ingediend door de amara.org gemeenschap", "ondertiteld door", "muziek"}
    ),
    "pl": frozenset({"dziękuję za oglądanie", "napisy stworzone przez społeczność amara.org", "muzyka"}),
    "ru": frozenset({"спасибо за просмотр", "подписывайтесь на канал", "продолжение следует", "музыка"}),
    "tr": frozenset({"izlediğiniz için teşekkürler", "abone olmayı unutmayın", "altyazı m.k", "müzik"}),
    "ja": frozenset({"ご視聴ありがとうございました", "チャンネル登録をお願いします", "音楽"}),
    "zh": frozenset({"谢谢观看", "感谢观看", "请订阅我的频道", "字幕由amara.org社区提供", "音乐"}),
    "ko": frozenset({"시청해주셔서 감사합니다", "구독과 좋아요 부탁드립니다", "음악"}),
}

COURTESIES = frozenset(
    {
        "thank you",
        "thank you very much",
        "thank you so much",
        "thanks",
        "bye",
        "bye bye",
        "goodbye",
        "you",
        "so",
        "okay",
        "yeah",
        "oh",
        "uh",
        "um",
        "hmm",
        "mm",
        "danke",
        "vielen dank",
        "tschüss",
        "merci",
        "au revoir",
        "gracias",
        "adiós",
        "grazie",
        "ciao",
        "obrigado",
        "bedankt",
        "dziękuję",
        "спасибо",
        "ありがとうございました",
        "谢谢",
        "감사합니다",
    }
)
"""Words that customers say too, and that are just as often written for silence."""
