(function(){'use strict';
var d=document,r=d.documentElement;
function all(s,e){return Array.prototype.slice.call((e||d).querySelectorAll(s))}
function make(tag,cls,text){var e=d.createElement(tag);if(cls)e.className=cls;if(text)e.textContent=text;if(tag==='button')e.type='button';return e}
var live=make('p','hid');live.setAttribute('aria-live','polite');d.querySelector('main').appendChild(live);
function say(t){live.textContent=t}
/* Colours: the system's, until the reader or the address says otherwise. */
var mq=matchMedia('(prefers-color-scheme: dark)'),buttons=all('nav .in').map(function(n){var slim=n.tagName==='DETAILS',b=make('button',slim?'tool slim':'tool');slim?n.insertAdjacentElement('afterend',b):n.appendChild(b);return b});
function dark(){return r.dataset.theme?r.dataset.theme==='dark':mq.matches}
function label(){buttons.forEach(function(b){b.textContent=dark()?'Light':'Dark';b.setAttribute('aria-label',(dark()?'Light':'Dark')+' colours')})}
function address(){var h=location.hash;if(h==='#dark'||h==='#light')r.dataset.theme=h.slice(1);label()}
try{var kept=localStorage.getItem('gapshare-theme');if(kept)r.dataset.theme=kept}catch(e){}
address();addEventListener('hashchange',address);mq.addEventListener('change',label);
buttons.forEach(function(b){b.onclick=function(){r.dataset.theme=dark()?'light':'dark';try{localStorage.setItem('gapshare-theme',r.dataset.theme)}catch(e){}label()}});
/* Contents: where the reader is. */
if('IntersectionObserver' in window){var io=new IntersectionObserver(function(es){es.forEach(function(e){if(e.isIntersecting)all('nav a').forEach(function(a){a.getAttribute('href')==='#'+e.target.id?a.setAttribute('aria-current','true'):a.removeAttribute('aria-current')})})},{rootMargin:'-8% 0px -82% 0px'});all('section').forEach(function(s){io.observe(s)})}
/* Hover and focus: the numbers of a mark, the definition and family of a cell. */
var tip=make('div');tip.id='tip';tip.setAttribute('role','tooltip');d.body.appendChild(tip);var at;
function show(el,text){at=el;tip.textContent=text;tip.classList.add('on');var q=el.getBoundingClientRect(),w=tip.offsetWidth,h=tip.offsetHeight,x=Math.min(Math.max(8,q.left+q.width/2-w/2),r.clientWidth-w-8),y=q.top-h-8;if(y<4)y=q.bottom+8;tip.style.left=(x+scrollX)+'px';tip.style.top=(y+scrollY)+'px'}
function hide(){tip.classList.remove('on');tip.style.left=tip.style.top='0';at=null}
all('thead th[title]').forEach(function(h){h.dataset.def=h.title;h.removeAttribute('title')});
function text(el){if(el.dataset.tip)return el.dataset.tip;var t=el.closest('table');if(!t)return'';var h=t.tHead.rows[0].cells[el.cellIndex],f=t.dataset.family;return h&&h.dataset.def&&!el.parentNode.classList.contains('grp')?h.dataset.def+'.'+(f?' '+f+'.':''):''}
d.addEventListener('mouseover',function(e){var el=e.target.closest&&e.target.closest('[data-tip],td,thead th');if(!el){if(at)hide();return}if(el===at)return;var t=text(el);t?show(el,t):hide()});
d.addEventListener('focusin',function(e){var h=e.target.closest&&e.target.closest('thead th');if(h){var t=text(h);if(t)show(h,t)}});
d.addEventListener('focusout',hide);d.addEventListener('keydown',function(e){if(e.key==='Escape')hide()});
all('svg[role=img]').forEach(function(s){var t=s.querySelector('title'),v=t.textContent;s.addEventListener('pointerenter',function(){t.textContent=''});s.addEventListener('pointerleave',function(){t.textContent=v})});
/* Tables: sort by a column and back, filter, copy. */
function value(c){if(!c)return'';var n=parseFloat('v' in c.dataset?c.dataset.v:c.textContent.replace(/\u2212/g,'-').replace(/,/g,''));return n!==n?c.textContent.trim().toLowerCase():n}
function compare(p,q){if(typeof p!==typeof q)return typeof p==='number'?-1:1;return p<q?-1:p>q?1:0}
all('.tw').forEach(function(w){var t=w.querySelector('table'),body=t.tBodies[0],rows=Array.prototype.slice.call(body.rows),act=w.querySelector('.act'),heads=all('thead th',t);
heads.forEach(function(h,i){var b=make('button');while(h.firstChild)b.appendChild(h.firstChild);h.appendChild(b);b.onclick=function(){var was=h.getAttribute('aria-sort'),off=was==='descending';heads.forEach(function(x){x.removeAttribute('aria-sort')});
rows.forEach(function(x){if(x.classList.contains('grp'))x.hidden=!off});
if(off){rows.forEach(function(x){body.appendChild(x)});say('Original order');return}
var up=!was;h.setAttribute('aria-sort',up?'ascending':'descending');
rows.filter(function(x){return!x.classList.contains('grp')}).sort(function(a,c){return compare(value(a.cells[i]),value(c.cells[i]))*(up?1:-1)}).forEach(function(x){body.appendChild(x)});say('Sorted by '+b.textContent+(up?', ascending':', descending'))}});
if(rows.length>=18){var l=make('label','flt','Filter '),f=make('input');f.type='search';f.placeholder='any text';l.appendChild(f);act.insertBefore(l,act.firstChild);f.oninput=function(){var q=f.value.toLowerCase();rows.forEach(function(x){x.hidden=x.textContent.toLowerCase().indexOf(q)<0})}}
var c=named('Copy',' of '+w.querySelector('.sc').getAttribute('aria-label'));act.insertBefore(c,act.querySelector('a'));
c.onclick=function(){copy(all('tr',t).filter(function(x){return!x.hidden}).map(function(x){return Array.prototype.map.call(x.cells,function(y){return y.textContent.trim().replace(/\s+/g,' ')}).join('\t')}).join('\n'),c)}});
all('.paste').forEach(function(p){var act=p.querySelector('.act'),c=named('Copy',' of '+p.querySelector('h3').textContent.toLowerCase());act.appendChild(c);c.onclick=function(){copy(all('p',p).map(function(x){return x.textContent}).join('\n\n'),c)}});
function named(word,of){var b=make('button','cp',word);b.appendChild(make('span','hid',of));return b}
function copy(text,button){function done(){button.firstChild.data='Copied';say('Copied');setTimeout(function(){button.firstChild.data='Copy'},1400)}
function old(){var a=make('textarea');a.value=text;d.body.appendChild(a);a.select();try{if(d.execCommand('copy'))done()}catch(e){}a.remove()}
if(navigator.clipboard&&isSecureContext)navigator.clipboard.writeText(text).then(done,old);else old()}
})();
