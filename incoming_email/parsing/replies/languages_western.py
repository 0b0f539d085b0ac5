"""Western European words around quoted mail."""

from incoming_email.parsing.replies.languages import Language, words

WESTERN = (
    Language(
        code="en",
        wrote=words("wrote|writes|said|sent|has written"),
        leads=words("on|at|in article|in message|quoting"),
        weekdays=words("mon|tue|wed|thu|fri|sat|sun"),
        sender=words("from|reply-to|sender|organizer"),
        sent=words("sent|date|when|sent at"),
        to=words("to"),
        subject=words("subject"),
        copies=words("cc|bcc"),
        original=words(
            "original message|original mail|original email|reply message|original|replied message"
        ),
        forwarded=words(
            "forwarded message|begin forwarded message|forwarded mail|forwarded by|forwarded email"
        ),
        mobile=words(
            "sent from|sent via|sent with|sent by|sent using|from my|get outlook for|"
            "sent on the go|get the outlook app|sent through|get typeapp for|get bluemail for|"
            "download outlook for|yahoo mail: search, organize, conquer"
        ),
    ),
    Language(
        code="de",
        wrote=words(
            "schrieb|hat geschrieben|hat folgendes geschrieben|folgendes geschrieben|schrieben"
        ),
        leads=words("am|um"),
        weekdays=words("mo|di|mi|do|fr|sa|so"),
        sender=words("von|absender"),
        sent=words("gesendet|datum|gesendet am|wann"),
        to=words("an"),
        subject=words("betreff"),
        copies=words("kopie|kopie (cc)|blindkopie"),
        original=words(
            "ursprüngliche nachricht|originalnachricht|original-nachricht|originale nachricht|"
            "antwort nachricht|ursprüngliche mail|original nachricht"
        ),
        forwarded=words(
            "weitergeleitete nachricht|anfang der weitergeleiteten nachricht|"
            "anfang der weitergeleiteten e-mail|weitergeleitete e-mail|"
            "ursprünglich weitergeleitete nachricht"
        ),
        mobile=words(
            "gesendet von|gesendet mit|gesendet aus|von meinem|outlook für|hol dir outlook|"
            "holen sie sich outlook"
        ),
        mobile_ends=words("gesendet|gesendet.|gesendet mit k-9 mail"),
    ),
    Language(
        code="fr",
        wrote=words("a écrit|a ecrit|écrit|a écrit ce qui suit"),
        leads=words("le"),
        weekdays=words("lun|mar|mer|jeu|ven|sam|dim"),
        sender=words("de|expéditeur|répondre à"),
        sent=words("envoyé|envoyé le|date|date d'envoi"),
        to=words("à|a|destinataire"),
        subject=words("objet|sujet"),
        copies=words("copie|copie à|cc|cci"),
        original=words("message d'origine|message original|message d’origine|mail original"),
        forwarded=words(
            "message transféré|début du message réexpédié|début du message transféré|"
            "message réexpédié|courriel transféré|message transmis"
        ),
        mobile=words(
            "envoyé depuis|envoyé de|envoyé à partir de|envoyé via|envoyé avec|"
            "télécharger outlook|obtenez outlook|obtenir outlook|provenance :"
        ),
    ),
    Language(
        code="es",
        wrote=words("escribió|escribio|ha escrito|escribiste|escribió lo siguiente"),
        leads=words("el|el día"),
        weekdays=words("lun|mar|mié|mie|jue|vie|sáb|sab|dom"),
        sender=words("de|remitente"),
        sent=words("enviado|enviado el|fecha|enviado a las"),
        to=words("para|a"),
        subject=words("asunto"),
        copies=words("copia|cc|cco"),
        original=words("mensaje original|mensaje de origen|correo original"),
        forwarded=words(
            "mensaje reenviado|inicio del mensaje reenviado|mensaje enviado|correo reenviado|"
            "inicio de mensaje reenviado"
        ),
        mobile=words(
            "enviado desde|enviado con|enviado por|enviado de|obtener outlook|descargar outlook|"
            "enviado a través de"
        ),
    ),
    Language(
        code="pt",
        wrote=words("escreveu|escreveu o seguinte|escreveste"),
        leads=words("em|no dia|a|às|na|no"),
        weekdays=words("seg|ter|qua|qui|sex|sáb|sab|dom"),
        sender=words("de|remetente"),
        sent=words("enviado|enviada|enviado em|enviada em|data"),
        to=words("para"),
        subject=words("assunto"),
        copies=words("com cópia|cópia|cc"),
        original=words("mensagem original|mensagem de origem"),
        forwarded=words(
            "mensagem encaminhada|início da mensagem encaminhada|mensagem reencaminhada|"
            "início da mensagem reencaminhada|começo da mensagem encaminhada"
        ),
        mobile=words(
            "enviado do|enviada do|enviado a partir|enviado via|enviado com|obter o outlook|"
            "baixe o outlook|baixar o outlook|transferir o outlook"
        ),
    ),
    Language(
        code="it",
        wrote=words("ha scritto|scrisse|ha scritto quanto segue|scrive"),
        leads=words("il|in data|il giorno|alle"),
        weekdays=words("lun|mar|mer|gio|ven|sab|dom"),
        sender=words("da|mittente"),
        sent=words("inviato|data|inviata|inviato il"),
        to=words("a"),
        subject=words("oggetto"),
        copies=words("copia|cc"),
        original=words("messaggio originale|messaggio d'origine|messaggio originario"),
        forwarded=words(
            "messaggio inoltrato|inizio messaggio inoltrato|inizio del messaggio inoltrato"
        ),
        mobile=words(
            "inviato da|inviato dal|inviato con|inviata da|scarica outlook|ottieni outlook"
        ),
    ),
    Language(
        code="nl",
        wrote=words("schreef|heeft het volgende geschreven|heeft geschreven|geschreven"),
        leads=words("op|om"),
        weekdays=words("ma|di|wo|do|vr|za|zo"),
        sender=words("van|afzender"),
        sent=words("verzonden|datum|verstuurd|verzonden op"),
        to=words("aan"),
        subject=words("onderwerp"),
        copies=words("kopie|cc"),
        original=words("oorspronkelijk bericht|originele bericht|oorspronkelijke bericht"),
        forwarded=words(
            "doorgestuurd bericht|begin doorgestuurd bericht|begin van doorgestuurd bericht|"
            "doorgestuurde bericht"
        ),
        mobile=words(
            "verzonden vanaf|verzonden met|verstuurd vanaf|verzonden van|verstuurd met|"
            "verzonden via|verstuurd via|outlook voor|download outlook"
        ),
    ),
    Language(
        code="ca",
        wrote=words("va escriure|ha escrit"),
        leads=words("el"),
        weekdays=words("dl|dt|dc|dj|dv|ds|dg"),
        sender=words("de"),
        sent=words("enviat|enviat el|data"),
        to=words("per a|a"),
        subject=words("assumpte|tema"),
        original=words("missatge original"),
        forwarded=words("missatge reenviat"),
        mobile=words("enviat des"),
    ),
    Language(
        code="gl",
        wrote=words("escribiu"),
        leads=words("o"),
        sent=words("enviado o"),
        original=words("mensaxe orixinal"),
        forwarded=words("mensaxe reenviada"),
        mobile=words("enviado dende"),
    ),
)
