"""Words around quoted mail in the languages of Asia, the Middle East and Africa."""

from incoming_email.parsing.replies.languages import Language, words

ASIAN = (
    Language(
        code="zh",
        wrote=words("写道|寫道|编写|撰寫|撰写|说|來信"),
        leads=words("在|于|於"),
        weekdays=words("周|週|星期"),
        sender=words("发件人|寄件者|寄件人|寄件者名稱|發件人|发送人"),
        sent=words("发送时间|发件时间|日期|傳送時間|寄件日期|時間|时间|已傳送|發送時間|寄件時間"),
        to=words("收件人|收件者|收件人名稱|收信人"),
        subject=words("主题|主題|主旨|标题"),
        copies=words("抄送|副本|密件副本"),
        original=words(
            "原始邮件|原始郵件|邮件原件|原邮件|原件|原始信件|原始消息|回复的原邮件|回覆的原郵件"
        ),
        forwarded=words(
            "转发的邮件|转发邮件信息|轉寄的郵件|开始转发的邮件|轉寄郵件|已轉寄郵件|"
            "转发邮件|以下是转发的邮件|下面是被转发的邮件|開始轉寄郵件"
        ),
        mobile=words(
            "签名由|发自我的|從我的|从我的|傳送自|寄件自|發自我的|发送自|來自我的|来自我的|发自|寄自|發送自|"
            "获取 outlook|取得 ios 版 outlook|取得 android 版 outlook|下載適用於|下载适用于"
        ),
        mobile_ends=words("邮件发送|傳送|手机发送"),
    ),
    Language(
        code="ja",
        wrote=words(
            "のメール|は書きました|が書きました|のメッセージ|さんは書きました|書き込み|のコメント"
        ),
        leads=words("on"),
        sender=words("差出人|送信者|送信元|from"),
        sent=words("送信日時|日付|送信日|日時|送信時刻"),
        to=words("宛先|受信者"),
        subject=words("件名|題名"),
        copies=words("cc|写し"),
        original=words("元のメッセージ|オリジナルメッセージ|元のメール|original message"),
        forwarded=words("転送されたメッセージ|転送メッセージ|転送されたメール|転送元メッセージ"),
        mobile=words("iphoneから|私のiphone|androidから|スマートフォンから|outlook for"),
        mobile_ends=words("から送信|で送信|を入手|から送信しました|から送信されました"),
    ),
    Language(
        code="ko",
        wrote=words(
            "작성|님이 작성|님이 작성한 메시지|작성한 글|쓴 글|작성했습니다|님의 말|"
            "작성하였습니다|님이 씀"
        ),
        weekdays=words("월요일|화요일|수요일|목요일|금요일|토요일|일요일"),
        sender=words("보낸 사람|보낸사람|발신|보낸이|발신자"),
        sent=words("보낸 날짜|보낸날짜|날짜|보낸 시간|보낸시간|발신일시|일시"),
        to=words("받는 사람|받는사람|받은 사람|수신|받는이|수신자"),
        subject=words("제목"),
        copies=words("참조|숨은참조|숨은 참조"),
        original=words(
            "원본 메시지|원본 메일|원본 이메일|원문 메시지|원본메시지|원본메일|original message"
        ),
        forwarded=words(
            "전달된 메시지|전달된 메일|전달된 이메일|전달된 메시지 시작|전달 메시지|"
            "다음은 전달된 메시지"
        ),
        mobile=words("나의 iphone에서|내 iphone에서|네이버 메일 앱|outlook 다운로드"),
        mobile_ends=words(
            "에서 보냄|에서 전송|에서 보냈습니다|에서 발송|에서 보낸 메일|에서 보낸 메일입니다|"
            "다운로드"
        ),
    ),
    Language(
        code="ar",
        wrote=words("كتب|كتبت|تمت كتابة ما يلي بواسطة"),
        leads=words("في|بتاريخ"),
        weekdays=words("الأحد|الاثنين|الثلاثاء|الأربعاء|الخميس|الجمعة|السبت"),
        sender=words("من|المرسل"),
        sent=words("تم الإرسال|أرسلت|التاريخ|مرسل|تاريخ الإرسال"),
        to=words("إلى|الى"),
        subject=words("الموضوع"),
        copies=words("نسخة"),
        original=words("الرسالة الأصلية|رسالة أصلية"),
        forwarded=words("رسالة معاد توجيهها|الرسالة المعاد توجيهها|رسالة محولة"),
        mobile=words("أرسلت من|مرسل من|مُرسل من|تم الإرسال من|الحصول على outlook"),
    ),
    Language(
        code="fa",
        wrote=words("نوشت|نوشته|نوشته است"),
        leads=words("در|در تاریخ"),
        sender=words("از|فرستنده"),
        sent=words("تاریخ|ارسال شده"),
        to=words("به|گیرنده"),
        subject=words("موضوع"),
        original=words("پیام اصلی"),
        forwarded=words("پیام ارسال‌شده|پیام هدایت شده"),
        mobile=words("ارسال شده از|ارسال‌شده از"),
    ),
    Language(
        code="he",
        wrote=words("כתב|כתבה|כתב/ה|מאת"),
        leads=words("בתאריך|ב"),
        sender=words("מאת"),
        sent=words("נשלח|תאריך|נשלח ב"),
        to=words("אל"),
        subject=words("נושא"),
        copies=words("עותק"),
        original=words("הודעה מקורית"),
        forwarded=words("הודעה שהועברה|הודעה מועברת"),
        mobile=words("נשלח מ|נשלח מה|קבל את outlook|להורדת outlook"),
    ),
    Language(
        code="hi",
        wrote=words("ने लिखा|लिखा|ने लिखा है|ने लिहिले"),
        weekdays=words("सोम|मंगल|मंगळ|बुध|गुरु|शुक्र|शनि|रवि"),
        sender=words("प्रेषक|से"),
        sent=words("भेजा गया|दिनांक|तारीख"),
        to=words("प्रति|प्राप्तकर्ता"),
        subject=words("विषय"),
        original=words("मूल संदेश"),
        forwarded=words("अग्रेषित संदेश"),
        mobile=words("मेरे iphone से"),
        mobile_ends=words("से भेजा गया"),
    ),
    Language(
        code="bn",
        wrote=words("লিখেছেন|লিখেছে"),
        weekdays=words("সোম|মঙ্গল|বুধ|বৃহস্পতি|শুক্র|শনি|রবি"),
        sender=words("থেকে|প্রেরক"),
        sent=words("প্রেরিত|তারিখ"),
        to=words("প্রাপক|প্রতি"),
        subject=words("বিষয়"),
        forwarded=words("ফরওয়ার্ড করা বার্তা"),
        mobile=words("আমার iphone থেকে"),
        mobile_ends=words("থেকে পাঠানো"),
    ),
    Language(
        code="ur",
        wrote=words("نے لکھا|نے تحریر کیا"),
        weekdays=words("پیر|منگل|بدھ|جمعرات|جمعہ|ہفتہ|اتوار"),
        sender=words("منجانب"),
        sent=words("بھیجا گیا|تاریخ"),
        subject=words("مضمون"),
    ),
    Language(
        code="th",
        wrote=words("เขียนว่า|ได้เขียนว่า|เขียน"),
        leads=words("ใน|เมื่อ|เมื่อวันที่"),
        sender=words("จาก"),
        sent=words("ส่ง|วันที่|ส่งเมื่อ"),
        to=words("ถึง"),
        subject=words("เรื่อง|หัวเรื่อง"),
        copies=words("สำเนา"),
        original=words("ข้อความต้นฉบับ"),
        forwarded=words("ข้อความที่ส่งต่อ"),
        mobile=words("ส่งจาก|รับ outlook|ดาวน์โหลด outlook"),
    ),
    Language(
        code="vi",
        wrote=words("đã viết|viết|đã viết như sau"),
        leads=words("vào|vào lúc|vào ngày|lúc"),
        sender=words("từ|người gửi"),
        sent=words("đã gửi|ngày|ngày gửi|gửi lúc"),
        to=words("tới|đến|người nhận|gửi đến"),
        subject=words("chủ đề|tiêu đề"),
        original=words("thư gốc|tin nhắn gốc"),
        forwarded=words(
            "thư được chuyển tiếp|tin nhắn đã chuyển tiếp|bắt đầu thư được chuyển tiếp"
        ),
        mobile=words("đã gửi từ|được gửi từ|gửi từ|tải outlook|tải xuống outlook"),
    ),
    Language(
        code="id",
        wrote=words("menulis|telah menulis|bertulis"),
        leads=words("pada"),
        weekdays=words("sen|sel|rab|kam|jum|sab|min|isn|kha"),
        sender=words("dari|daripada"),
        sent=words("dikirim|tanggal|dihantar|tarikh"),
        to=words("kepada|ke"),
        subject=words("perihal|subjek|hal"),
        original=words("pesan asli|mesej asal"),
        forwarded=words("pesan terusan|pesan yang diteruskan|mesej yang dimajukan"),
        mobile=words("dikirim dari|dihantar daripada|dikirim menggunakan|dapatkan outlook"),
    ),
    Language(
        code="tl",
        wrote=words("sumulat|isinulat|sinulat ni"),
        leads=words("noong"),
    ),
    Language(
        code="sw",
        wrote=words("aliandika|ameandika"),
        leads=words("tarehe|mnamo"),
    ),
)
